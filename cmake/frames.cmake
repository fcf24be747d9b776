# Storeys 1 and 2 on the simulated machine, their tests and benchmark, and a few boots of the kernel.

# The simulated machine is test equipment: it may use the C++ library.
add_library(strata_sim STATIC EXCLUDE_FROM_ALL src/platform/sim/sim_machine.cpp)
target_include_directories(strata_sim PUBLIC include src)
target_compile_options(strata_sim PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)

if(STRATA_TESTS)
  find_package(GTest QUIET)
endif()
if(STRATA_TESTS AND GTest_FOUND)
  enable_testing()
  include(GoogleTest)
  add_executable(frames_tests
    tests/unit/frames/memory_map_test.cpp tests/unit/frames/device_tree_test.cpp
    tests/unit/frames/frames_test.cpp tests/unit/frames/blocks_test.cpp
    tests/unit/frames/lanes_test.cpp
    tests/protocol/out_word_test.cpp tests/protocol/whole_block_test.cpp
    tests/unit/ranges/arena_test.cpp tests/unit/ranges/space_test.cpp
    tests/unit/ranges/space_refusal_test.cpp)
  target_include_directories(frames_tests PRIVATE tests/protocol)
  target_link_libraries(frames_tests PRIVATE strata_sim GTest::gtest_main)
  gtest_discover_tests(frames_tests DISCOVERY_TIMEOUT 60)

  # The heap compiled once more, on a Space; with sources of its own, so that malloc stays libc's.
  file(GLOB STRATA_HEAP_SOURCES CONFIGURE_DEPENDS src/heap/*.cpp)
  add_executable(sim_heap_tests tests/unit/sim_heap/sim_heap_test.cpp ${STRATA_HEAP_SOURCES}
    src/ranges/slot_range.cpp src/ranges/slot_supply.cpp)
  target_include_directories(sim_heap_tests BEFORE PRIVATE tests/unit/sim_heap)
  target_compile_options(sim_heap_tests PRIVATE -Wno-attributes)
  target_link_libraries(sim_heap_tests PRIVATE strata_sim GTest::gtest_main)
  gtest_discover_tests(sim_heap_tests DISCOVERY_TIMEOUT 60)

  add_executable(fixed_heap_tests tests/unit/fixed_heap/fixed_heap_test.cpp
    ${STRATA_HEAP_SOURCES} src/ranges/slot_range.cpp src/ranges/slot_supply.cpp)
  target_include_directories(fixed_heap_tests BEFORE PRIVATE tests/unit/fixed_heap include src)
  target_compile_options(fixed_heap_tests PRIVATE -Wno-attributes)
  target_link_libraries(fixed_heap_tests PRIVATE GTest::gtest_main)
  gtest_discover_tests(fixed_heap_tests DISCOVERY_TIMEOUT 60)

  # A kernel written in C, compiled as C without a library, on the C table of functions.
  add_executable(c_kernel_test tests/unit/table/c_kernel_test.cpp tests/unit/table/c_kernel.c
    ${STRATA_HEAP_SOURCES} src/ranges/slot_range.cpp src/ranges/slot_supply.cpp
    src/front/freestanding.cpp src/front/kernel_c.cpp)
  target_include_directories(c_kernel_test BEFORE PRIVATE src/front/kernel_c tests/unit/table)
  target_compile_options(c_kernel_test PRIVATE -Wno-attributes)
  set_source_files_properties(tests/unit/table/c_kernel.c PROPERTIES COMPILE_OPTIONS
    "-std=c11;-ffreestanding;-Wall;-Wextra;-Wpedantic;-Wstrict-prototypes;-Werror")
  target_link_libraries(c_kernel_test PRIVATE strata_sim GTest::gtest_main)
  gtest_discover_tests(c_kernel_test DISCOVERY_TIMEOUT 60)

  # What small code leaves out or does otherwise, tested as such.
  foreach(name sim_heap_tests c_kernel_test frames_tests)
    get_target_property(sources ${name} SOURCES)
    list(REMOVE_ITEM sources tests/protocol/out_word_test.cpp  # OutWord has its long way alone
      tests/protocol/whole_block_test.cpp tests/unit/frames/blocks_test.cpp  # left out there
      tests/unit/frames/lanes_test.cpp
      tests/unit/frames/memory_map_test.cpp tests/unit/frames/device_tree_test.cpp
      tests/unit/ranges/arena_test.cpp)
    get_target_property(folders ${name} INCLUDE_DIRECTORIES)
    add_executable(small_${name} ${sources})
    target_include_directories(small_${name} BEFORE PRIVATE ${folders})
    target_compile_options(small_${name} PRIVATE -Os -Wno-attributes)
    target_link_libraries(small_${name} PRIVATE strata_sim GTest::gtest_main)
    gtest_discover_tests(small_${name} TEST_PREFIX small. DISCOVERY_TIMEOUT 60)
  endforeach()

  # An image of everything a kernel can call, compiled for size, to be weighed. Other compilers and
  # processors have other figures.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64
     AND NOT STRATA_SANITIZE)
    add_executable(size_of_all tests/unit/table/size_of_all.c ${STRATA_HEAP_SOURCES}
      src/ranges/slot_range.cpp src/ranges/slot_supply.cpp src/front/kernel_c.cpp
      src/front/freestanding.cpp src/front/freestanding_operators.cpp)
    target_include_directories(size_of_all BEFORE PRIVATE src/front/kernel_c include src)
    target_compile_options(size_of_all PRIVATE -Os -flto -ffreestanding -fno-builtin-malloc
      -ffunction-sections -fdata-sections -ftls-model=local-exec -fno-stack-protector -fno-pic
      -fno-asynchronous-unwind-tables
      $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
      -mno-red-zone -mcmodel=kernel -mgeneral-regs-only -fcf-protection=none -Wno-attributes)
    target_link_options(size_of_all PRIVATE -Os -flto -nostdlib -static -no-pie
      -Wl,--gc-sections,--undefined=all_of_strata,--entry=strata_kernel_start,--build-id=none
      -Wl,--unresolved-symbols=ignore-all)  # memcpy and its kin are the kernel's
    add_test(NAME all_storeys_are_at_most_24_kb_of_code_and_8_kb_of_data
      COMMAND ${CMAKE_SOURCE_DIR}/tests/unit/table/size_of_all.sh $<TARGET_FILE:size_of_all>)
    add_library(span_core_size OBJECT tests/unit/span/core_size.cpp)
    target_include_directories(span_core_size PRIVATE include src)
    target_compile_options(span_core_size PRIVATE -Os -ffreestanding -fno-exceptions -fno-rtti
      -fno-asynchronous-unwind-tables)
    add_test(NAME the_span_core_is_at_most_1_5_kb_of_code
      COMMAND ${CMAKE_SOURCE_DIR}/tests/unit/span/core_size.sh $<TARGET_OBJECTS:span_core_size>)
  endif()

  # A handful of boots; those whose tools are not installed are left out (make kernel-test installs).
  add_test(NAME kernel_quick
    COMMAND python3 ${CMAKE_SOURCE_DIR}/kernel/run_tests.py --quick --installed)
  set_tests_properties(kernel_quick PROPERTIES TIMEOUT 1200)
endif()

if(STRATA_BENCH)
  set(STRATA_LLFREE "" CACHE PATH "A built checkout of luhsra/llfree-c, to compare frames with")
  add_executable(frames_bench EXCLUDE_FROM_ALL bench/frames/frames_bench.cpp)
  target_link_libraries(frames_bench PRIVATE strata_sim)
  if(STRATA_LLFREE)
    target_sources(frames_bench PRIVATE bench/frames/llfree_peer.c)
    set_source_files_properties(bench/frames/llfree_peer.c PROPERTIES
      INCLUDE_DIRECTORIES "${STRATA_LLFREE}/include;${STRATA_LLFREE}/std;${STRATA_LLFREE}/src")
    target_compile_definitions(frames_bench PRIVATE STRATA_LLFREE)
    target_link_libraries(frames_bench PRIVATE ${STRATA_LLFREE}/build/libllc.a)
  endif()
endif()
