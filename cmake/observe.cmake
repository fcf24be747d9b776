# Tests of the command on running programs: tests/observe/NAME_test.py, one ctest a case.
if(NOT STRATA_TESTS OR NOT TARGET strata_tool OR NOT TARGET strata_shared)
  return()
endif()
enable_testing()
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
find_package(Threads REQUIRED)

# A program to look at: build/tests/observe/NAME. Nothing it allocates may be optimised away.
function(observe_program name source)
  add_executable(observe_${name} ${source})
  set_target_properties(observe_${name} PROPERTIES OUTPUT_NAME ${name} C_STANDARD 11
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/observe)
  target_compile_options(observe_${name} PRIVATE -O1 -Wall -Wextra -fno-builtin)
  target_compile_definitions(observe_${name} PRIVATE _GNU_SOURCE)
  target_link_libraries(observe_${name} PRIVATE Threads::Threads)
endfunction()

# observe_test(<file> <seconds> <classes>...): a ctest for each class of cases.
function(observe_test file seconds)
  foreach(case ${ARGN})
    set(name observe.${file}.${case})
    add_test(NAME ${name} COMMAND Python3::Interpreter ${file}_test.py ${case}
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/tests/observe)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${seconds} LABELS observe
      ENVIRONMENT "STRATA_BUILD=${CMAKE_BINARY_DIR}")
  endforeach()
endfunction()

observe_program(shapes tests/observe/shapes.c)
observe_program(static tests/observe/static.c)
target_link_options(observe_static PRIVATE -static)
observe_program(own_malloc tests/observe/own_malloc.c)
target_link_options(observe_own_malloc PRIVATE -rdynamic)
observe_program(ill tests/observe/ill.c)
observe_test(doctor 300 Causes Manners)
observe_test(run 300 Transparency Summary Options Obstacles Together)
observe_test(map 300 Maps)
observe_test(top 300 Screens)
observe_test(stat 300 Sums Counts Refusals Attaching)
if(STRATA_PROFILES)
  observe_program(known tests/observe/known.cpp)
  # Names and lines of functions are what is tested.
  target_compile_options(observe_known PRIVATE -g)
  observe_test(profile 300 Estimates Files Attached Refusals)
  observe_test(report 300 Page)
  observe_test(programs 400 Programs)
endif()
