# The promises of the malloc family once more, in the modes that check: what a mode finds out about
# errors must not cost a correct program anything but time and memory.
if(NOT STRATA_TESTS OR NOT outside_library OR STRATA_TEST_LIBRARY)
  return()
endif()
set(environment_hardened STRATA_MODE=hardened)
set(environment_diagnose STRATA_MODE=diagnose)
set(environment_sampled STRATA_GUARD_SAMPLE=1)
# Not promised: neighbours (falloc), thrift with memory (histories lie beside the blocks), figures
# that know of guarded samples.
set(not_in_hardened "^strata_falloc_takes")
set(not_in_diagnose "^strata_falloc_takes|^malloc_trim_returns_memory")
set(not_in_sampled "^strata_falloc_takes|^mallinfo2_counts|^mallinfo2_arena")

function(test_in_mode mode name)
  outside_test(${mode}.${name} COMMAND ${ARGN})
  set_tests_properties(${mode}.${name} PROPERTIES
    ENVIRONMENT "LD_PRELOAD=${outside_library};${environment_${mode}}")
endfunction()

file(GLOB sources RELATIVE ${outside_tests} CONFIGURE_DEPENDS
  ${outside_tests}/conformance/*.c ${outside_tests}/conformance/*.cpp)
set(walk $<TARGET_FILE:process_everything_works_when_nothing_is_refused>)
foreach(mode hardened diagnose sampled)
  foreach(source ${sources})
    get_filename_component(promise ${source} NAME_WE)
    if(NOT promise MATCHES "${not_in_${mode}}")
      test_in_mode(${mode} ${promise} conformance_${promise})
    endif()
  endforeach()
  test_in_mode(${mode} everything_works ${walk})
  foreach(property fork_handlers_may_allocate forks_from_several_threads_at_once
      allocation_in_thread_local_destructors signals_may_arrive_anywhere
      exit_while_other_threads_allocate)
    test_in_mode(${mode} ${property} process_${property})
  endforeach()
  # Guard calls refused, few addresses: protections shrink, and all goes on.
  foreach(error 1 12 22 38)
    test_in_mode(${mode} everything_works_with_madvise_refused_by_${error}
      process_helper_refuse ${error} madvise ${walk})
  endforeach()
  foreach(megabytes 256 1024 4096)
    test_in_mode(${mode} threads_allocate_under_address_limit_of_${megabytes}_mb
      sh -c "ulimit -v $((${megabytes} * 1024)); exec \"$0\" tolerant" ${walk})
  endforeach()
endforeach()
