# Tests of the repository itself and of real programs under the library.
if(NOT STRATA_TESTS OR STRATA_SANITIZE)
  return()
endif()
enable_testing()
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

# house_test(<name> <seconds> COMMAND ...)
function(house_test name seconds)
  cmake_parse_arguments(test "" "" "COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND ${test_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${seconds} LABELS house)
endfunction()

foreach(rule layers headers openings paths alone)
  house_test(house.${rule} 300 COMMAND Python3::Interpreter tests/house/house.py ${rule})
endforeach()
house_test(house.every_rule_is_seen_to_fail 300
  COMMAND Python3::Interpreter tests/house/house_test.py)

# Real programs, a subset with less work; `make run-binaries` runs all of them.
house_test(programs.the_battery_finds_bad_libraries 600
  COMMAND Python3::Interpreter tests/preload/battery_test.py)
if(TARGET strata_shared)
  house_test(programs.real_programs_run_under_strata 1200
    COMMAND Python3::Interpreter tests/preload/battery.py --quick
            --library $<TARGET_FILE:strata_shared>)
endif()
