# Misuse at random: programs with an error in them, and millions of steps without one, in every mode.
# See tests/misuse/misuse_test.cpp.
if(NOT STRATA_TESTS OR NOT outside_library OR STRATA_TEST_LIBRARY)
  return()
endif()
outside_program(misuse_player tests/misuse/player.cpp -O1)

foreach(mode default hardened diagnose)
  outside_test(misuse.nothing_is_said_of_a_million_correct_steps_in_${mode}
    COMMAND misuse_player --random 1 1000000)
  set_tests_properties(misuse.nothing_is_said_of_a_million_correct_steps_in_${mode} PROPERTIES
    ENVIRONMENT "LD_PRELOAD=${outside_library};STRATA_MODE=${mode}"
    FAIL_REGULAR_EXPRESSION "strata:")
endforeach()
outside_test(misuse.nothing_is_said_of_a_million_correct_steps_when_sampled
  COMMAND misuse_player --random 2 1000000)
set_tests_properties(misuse.nothing_is_said_of_a_million_correct_steps_when_sampled PROPERTIES
  ENVIRONMENT "LD_PRELOAD=${outside_library};STRATA_GUARD_SAMPLE=16KiB"
  FAIL_REGULAR_EXPRESSION "strata:")

if(RAPIDCHECK_LIBRARY AND RAPIDCHECK_INCLUDE)
  add_executable(misuse_test tests/misuse/misuse_test.cpp)
  target_link_libraries(misuse_test PRIVATE outside_flags ${RAPIDCHECK_LIBRARY})
  target_include_directories(misuse_test PRIVATE ${RAPIDCHECK_INCLUDE})
  foreach(mode default hardened diagnose)
    outside_test(misuse.what_${mode}_mode_promises_is_found PLAIN
      COMMAND misuse_test $<TARGET_FILE:misuse_player> ${outside_library} ${mode})
    set_tests_properties(misuse.what_${mode}_mode_promises_is_found PROPERTIES
      ENVIRONMENT "RC_PARAMS=seed=1 max_success=60")
  endforeach()
endif()
