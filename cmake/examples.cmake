# Example programs; each is run as a test, so that none rots.
option(STRATA_EXAMPLES "Build the examples" ON)
if(STRATA_EXAMPLES)
  find_package(Threads REQUIRED)
  foreach(example textbook_spans hobby_kernel real_time debug shared_memory pmr)
    add_executable(example_${example} examples/${example}.cpp)
    target_include_directories(example_${example} PRIVATE include src)
    target_link_libraries(example_${example} PRIVATE strata_region Threads::Threads)
    if(STRATA_TESTS)
      add_test(NAME example_${example} COMMAND example_${example})
    endif()
  endforeach()

  add_executable(example_region_c examples/region.c)
  target_link_libraries(example_region_c PRIVATE strata_region)
  # A C program: the linker must not be made to bring the C++ library.
  set_target_properties(example_region_c PROPERTIES LINKER_LANGUAGE C)
  if(STRATA_TESTS)
    add_test(NAME example_region_c COMMAND example_region_c)
  endif()

  # The textbook allocator, preloadable.
  add_library(textbook_malloc SHARED examples/textbook_malloc/textbook_malloc.cpp)
  target_link_libraries(textbook_malloc PRIVATE strata_core_flags Threads::Threads)
  target_compile_options(textbook_malloc PRIVATE -fno-builtin-malloc -fno-builtin-calloc)
  target_link_options(textbook_malloc PRIVATE -Wl,-z,nodelete -Wl,-z,now)
  # Linked as C: a C program that preloads it must not be made to load libstdc++.
  set_target_properties(textbook_malloc PROPERTIES LINKER_LANGUAGE C)
  if(STRATA_TESTS)
    add_test(NAME textbook_malloc_runs_programs
             COMMAND ${CMAKE_SOURCE_DIR}/tests/programs/textbook_malloc.sh
                     $<TARGET_FILE:textbook_malloc>)
  endif()
endif()
