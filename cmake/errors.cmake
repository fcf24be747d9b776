# Tests of what is said when a program misuses the heap: one file per error in tests/errors, run in
# every mode whose promise it is; see tests/errors/run.py.
if(NOT STRATA_TESTS OR NOT outside_library OR STRATA_TEST_LIBRARY)
  return()
endif()
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

file(GLOB sources RELATIVE ${outside_tests} CONFIGURE_DEPENDS
  ${outside_tests}/errors/*.c ${outside_tests}/errors/*.cpp)
foreach(source ${sources})
  get_filename_component(error ${source} NAME_WE)
  outside_program(error_${error} tests/${source} -O0)
  target_compile_options(error_${error} PRIVATE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete>)
  outside_test(errors.${error} PLAIN
    COMMAND Python3::Interpreter ${outside_tests}/errors/run.py ${outside_tests}/${source}
            $<TARGET_FILE:error_${error}> ${outside_library})
  outside_test(errors.going_on_after_${error} PLAIN
    COMMAND Python3::Interpreter ${outside_tests}/errors/run.py --go-on ${outside_tests}/${source}
            $<TARGET_FILE:error_${error}> ${outside_library})
endforeach()

# Where reports go, what is heeded, and what is not.
foreach(property reports_are_appended_to_the_log logs_are_named_after_the_process
    relative_logs_count_from_the_start reports_go_to_stderr_where_the_log_cannot_be_written
    a_forked_child_reports_for_itself reports_come_from_signal_handlers_too
    a_child_may_run_in_another_mode an_unknown_mode_is_named
    the_programs_own_fault_handler_is_called leaks_are_told_by_where_they_were_made
    the_heap_is_looked_over_at_a_signal
    privileged_programs_only_get_stricter)
  outside_test(errors.${property} PLAIN
    COMMAND Python3::Interpreter ${outside_tests}/errors/policy.py ${property}
            ${CMAKE_BINARY_DIR}/tests/errors ${outside_library})
endforeach()
add_executable(error_helper_privileged tests/errors/helper/misuse_in_turn.c)
set_target_properties(error_helper_privileged PROPERTIES OUTPUT_NAME misuse_in_turn
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/errors)
target_link_libraries(error_helper_privileged PRIVATE outside_flags strata_static)
foreach(helper handles_faults leaks signals_itself)
  outside_program(error_helper_${helper} tests/errors/helper/${helper}.c -O0)
endforeach()
