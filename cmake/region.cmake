# The region heap is headers, in C++. Its C interface is in libstrata.so and libstrata.a beside the
# process heap; libstrata_region.a has it alone, for programs that keep their malloc and for kernels.
add_library(strata_region STATIC src/region/region_c_api.cpp)
target_include_directories(strata_region PUBLIC include src)
target_link_libraries(strata_region PRIVATE strata_core_flags)
# Called through a function each time: small beats inlined.
set_source_files_properties(src/region/region_c_api.cpp PROPERTIES COMPILE_OPTIONS -Os)

if(STRATA_TESTS)
  find_package(GTest REQUIRED)
  find_package(Threads REQUIRED)
  include(GoogleTest)
  enable_testing()

  # Tests look from outside, as a user's program does: own flags, exceptions and all.
  add_executable(region_tests
    tests/unit/region/product_first_test.cpp
    tests/unit/region/product_best_test.cpp
    tests/unit/region/product_next_test.cpp
    tests/unit/region/product_good_test.cpp
    tests/unit/region/product_score_test.cpp
    tests/unit/region/exhaustive_test.cpp
    tests/unit/region/policies_test.cpp
    tests/unit/region/bad_input_test.cpp
    tests/unit/region/c_api_test.cpp
    tests/unit/region/c_api_test.c
    tests/unit/region/shared_test.cpp
    tests/unit/region/source_test.cpp
    tests/unit/region/worker_test.cpp
    tests/unit/region/memory_resource_test.cpp
    tests/unit/region/bound_test.cpp
    tool/lab/instructions.cpp)
  # Many instantiations: compiled for size of the build, not for speed.
  set_source_files_properties(
    tests/unit/region/product_first_test.cpp tests/unit/region/product_best_test.cpp
    tests/unit/region/product_next_test.cpp tests/unit/region/product_good_test.cpp
    tests/unit/region/product_score_test.cpp tests/unit/region/exhaustive_test.cpp
    PROPERTIES COMPILE_OPTIONS -O1)
  target_include_directories(region_tests PRIVATE include src tests tool)
  target_compile_options(region_tests PRIVATE -Wall -Wextra)
  # With the process heap under its own names, for std::pmr.
  target_sources(region_tests PRIVATE $<TARGET_OBJECTS:strata_unit_linux>)
  target_link_libraries(region_tests PRIVATE strata_region GTest::gtest_main Threads::Threads)

  # How much code it is; sanitizers would add theirs.
  if(NOT STRATA_SANITIZE)
    add_library(region_code_size OBJECT tests/unit/region/code_size.cpp)
    target_include_directories(region_code_size PRIVATE include src)
    target_compile_options(region_code_size PRIVATE -Os -DNDEBUG)
    add_test(NAME region_is_at_most_8_kb_of_code
             COMMAND ${CMAKE_SOURCE_DIR}/tests/unit/region/code_size.sh
                     $<TARGET_OBJECTS:region_code_size>)
  endif()

  gtest_discover_tests(region_tests DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endif()

# The fuzzer needs clang, whatever compiler builds the rest: ninja -C build region_fuzz
find_program(CLANGXX clang++)
if(CLANGXX)
  add_custom_target(region_fuzz
    COMMAND ${CLANGXX} -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined
            -fno-sanitize-recover=undefined -I${CMAKE_SOURCE_DIR}/include -I${CMAKE_SOURCE_DIR}/src
            -I${CMAKE_SOURCE_DIR}/tests ${CMAKE_SOURCE_DIR}/tests/fuzz/region_fuzz.cpp -o ${CMAKE_BINARY_DIR}/region_fuzz
    VERBATIM)
endif()

# Comparison with TLSF, whose source stays outside: cmake -B build -DSTRATA_TLSF=FOLDER
set(STRATA_TLSF "" CACHE PATH "Folder with tlsf.c and tlsf.h, for build/against_tlsf")
if(STRATA_TLSF)
  find_package(fmt REQUIRED)
  add_executable(against_tlsf bench/region/against_tlsf.cpp tool/lab/workload.cpp
    tool/lab/instructions.cpp ${STRATA_TLSF}/tlsf.c)
  # By the same compiler with the same flags as Strata, whatever CMake would take for C.
  set_source_files_properties(${STRATA_TLSF}/tlsf.c PROPERTIES COMPILE_OPTIONS "-w;-O2")
  target_include_directories(against_tlsf PRIVATE include src tool ${STRATA_TLSF})
  target_link_libraries(against_tlsf PRIVATE fmt::fmt)
endif()
