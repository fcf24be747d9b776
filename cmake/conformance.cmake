# Tests that use the library from outside, as a program would: conformance, process, property,
# stress, faults. tests/README.md is their map.
#
# Each test is a program of its own, built without builtins (so that no call is elided) and run with
# libstrata.so preloaded. -DSTRATA_TEST_LIBRARY=/path/lib.so runs them against another allocator,
# =system against the system's own: how a test is told from a wish.
if(NOT STRATA_TESTS)
  return()
endif()
enable_testing()
find_package(Threads REQUIRED)

set(STRATA_TEST_LIBRARY "" CACHE STRING
  "Allocator the outside tests run under: empty is libstrata.so, 'system' is none preloaded")
if(STRATA_TEST_LIBRARY STREQUAL "system")
  set(outside_library "")
elseif(STRATA_TEST_LIBRARY)
  set(outside_library ${STRATA_TEST_LIBRARY})
elseif(TARGET strata_shared)
  set(outside_library $<TARGET_FILE:strata_shared>)
else()
  return()
endif()

set(outside_tests ${CMAKE_CURRENT_SOURCE_DIR}/tests)

# Optimised code may drop an allocation whose result it can foresee, or fold a comparison of two
# results; -O0 keeps every call and every check as written. Sizes that cannot be had are on purpose.
add_library(outside_flags INTERFACE)
target_include_directories(outside_flags INTERFACE ${outside_tests})
target_compile_options(outside_flags INTERFACE
  -Wall -Wextra -fno-builtin -Wno-unused-function
  $<$<CXX_COMPILER_ID:GNU>:-Wno-alloc-size-larger-than -Wno-use-after-free>)
target_compile_definitions(outside_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE>)
target_link_libraries(outside_flags INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

# outside_program(<name> <source> [options]): build/tests/<folder>/<file> from tests/<folder>/<file>.*
function(outside_program name source)
  get_filename_component(folder ${source} DIRECTORY)
  get_filename_component(file ${source} NAME_WE)
  add_executable(${name} ${source})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${file}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${folder} C_STANDARD 11)
  target_compile_options(${name} PRIVATE ${ARGN})
  target_link_libraries(${name} PRIVATE outside_flags)
endfunction()

# outside_test(<name> COMMAND ... [ALONE] [PLAIN]): registers with ctest; PLAIN preloads nothing,
# ALONE runs beside no other test.
function(outside_test name)
  cmake_parse_arguments(test "ALONE;PLAIN" "" "COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND ${test_COMMAND})
  get_filename_component(label ${name} NAME_WE)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77
    LABELS ${label})
  if(outside_library AND NOT test_PLAIN)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "LD_PRELOAD=${outside_library}")
  endif()
  if(test_ALONE)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# Conformance: one promise, one file, one test.
file(GLOB sources RELATIVE ${outside_tests} CONFIGURE_DEPENDS
  ${outside_tests}/conformance/*.c ${outside_tests}/conformance/*.cpp)
foreach(source ${sources})
  get_filename_component(promise ${source} NAME_WE)
  outside_program(conformance_${promise} tests/${source} -O0)
  outside_test(conformance.${promise} COMMAND conformance_${promise})
endforeach()
file(GLOB scripts RELATIVE ${outside_tests} CONFIGURE_DEPENDS ${outside_tests}/conformance/*.sh)
foreach(script ${scripts})
  get_filename_component(promise ${script} NAME_WE)
  if(outside_library)
    outside_test(conformance.${promise} PLAIN COMMAND ${outside_tests}/${script} ${outside_library})
  endif()
endforeach()

# Process life and hard surroundings.
file(GLOB sources RELATIVE ${outside_tests} CONFIGURE_DEPENDS
  ${outside_tests}/process/*.c ${outside_tests}/process/*.cpp)
foreach(source ${sources})
  get_filename_component(property ${source} NAME_WE)
  if(property STREQUAL "helper_module")
    add_library(process_${property} MODULE tests/${source})
    set_target_properties(process_${property} PROPERTIES OUTPUT_NAME ${property}
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/process)
    target_link_libraries(process_${property} PRIVATE outside_flags)
    continue()
  endif()
  outside_program(process_${property} tests/${source} -O1)
  if(NOT property MATCHES "^helper_|^library_can_be_opened|^strict_overcommit")
    outside_test(process.${property} COMMAND process_${property})
  endif()
endforeach()
foreach(user opening_and_closing_libraries out_of_memory_in_a_cxx_library_opened_later_throws)
  add_dependencies(process_${user} process_helper_module)
endforeach()
if(outside_library)
  outside_test(process.library_can_be_opened_by_a_running_program PLAIN
    COMMAND process_library_can_be_opened_by_a_running_program ${outside_library})
endif()
set(walk $<TARGET_FILE:process_everything_works_when_nothing_is_refused>)
outside_test(process.strict_overcommit_is_no_obstacle ALONE
  COMMAND process_strict_overcommit_is_no_obstacle ${walk})
foreach(megabytes 64 128 256 1024 4096)
  outside_test(process.programs_run_under_address_limit_of_${megabytes}_mb
    COMMAND ${outside_tests}/process/programs_run_under_address_limit.sh ${megabytes})
  outside_test(process.threads_allocate_under_address_limit_of_${megabytes}_mb
    COMMAND sh -c "ulimit -v $((${megabytes} * 1024)); exec \"$0\" tolerant" ${walk})
endforeach()
# Numbers of errors: EPERM 1, ENOMEM 12, EINVAL 22, ENOSYS 38.
foreach(refusal 1:madvise 22:madvise 38:madvise 12:madvise 38:mremap 12:mremap 12:munmap
    38:membarrier,process_madvise,mincore,rseq 38:getrandom,prctl,sched_getaffinity,sysinfo,getcpu)
  string(REPLACE ":" ";" parts ${refusal})
  list(GET parts 0 error)
  list(GET parts 1 calls)
  string(REPLACE "," "_" name ${calls})
  outside_test(process.everything_works_with_${name}_refused_by_${error}
    COMMAND process_helper_refuse ${error} ${calls} ${walk})
endforeach()
outside_test(process.huge_blocks_are_copied_where_mremap_is_refused
  COMMAND sh -c "ulimit -v 4194304; exec \"$0\" 1 mremap \"$1\""
    $<TARGET_FILE:process_helper_refuse>
    $<TARGET_FILE:conformance_realloc_of_huge_blocks_keeps_contents>)
outside_test(process.huge_pages_are_not_asked_for
  COMMAND process_helper_refuse kill huge-pages ${walk})

# Faults: every memory system call of the library fails once.
outside_program(fault_program tests/faults/allocate_everything.c -O1)
outside_program(fault_injector tests/faults/fail_nth.c -O1)
set_target_properties(fault_program PROPERTIES OUTPUT_NAME allocate_everything)
if(outside_library)
  foreach(mode once onward)
    outside_test(faults.every_call_fails_${mode} PLAIN
      COMMAND fault_injector ${outside_library} ${mode} 12 all $<TARGET_FILE:fault_program>)
  endforeach()
endif()

# Properties: random programs against a shadow map.
find_library(RAPIDCHECK_LIBRARY rapidcheck)
find_path(RAPIDCHECK_INCLUDE rapidcheck.h)
if(RAPIDCHECK_LIBRARY AND RAPIDCHECK_INCLUDE)
  set(programs property_random_programs_keep_a_shadow_map)
  outside_program(${programs} tests/property/random_programs_keep_a_shadow_map.cpp -O1)
  target_include_directories(${programs} PRIVATE ${RAPIDCHECK_INCLUDE})
  target_link_libraries(${programs} PRIVATE ${RAPIDCHECK_LIBRARY})
  outside_test(property.random_programs_keep_a_shadow_map COMMAND ${programs})
else()
  message(STATUS "librapidcheck-dev is missing: no property tests from outside")
endif()

# Stress: a few seconds each; give seconds, threads, largest size and seed for more.
foreach(stress blocks_change_hands queues_carry_blocks)
  outside_program(stress_${stress} tests/stress/${stress}.cpp -O2)
  outside_test(stress.${stress} COMMAND stress_${stress} 4)
endforeach()

# The library's other ways through the same tests: little address space (annexes and mappings of
# their own instead of one large range), nothing kept, everything provided at once.
if(outside_library)
  foreach(mode once onward)
    outside_test(faults.every_call_fails_${mode}_in_little_address_space PLAIN
      COMMAND sh -c "ulimit -v 262144; exec \"$0\" \"$@\"" $<TARGET_FILE:fault_injector>
        ${outside_library} ${mode} 12 mmap,munmap,mremap,mprotect $<TARGET_FILE:fault_program>)
  endforeach()
  foreach(setting little_reserve:STRATA_RESERVE=2MiB keeping_nothing:STRATA_DIRTY_LIMIT=0)
    string(REPLACE ":" ";" parts ${setting})
    list(GET parts 0 label)
    list(GET parts 1 option)
    outside_test(process.everything_works_with_${label}
      COMMAND env ${option} STRATA_PURGE_DELAY=0 ${walk})
    outside_test(stress.blocks_change_hands_with_${label}
      COMMAND env ${option} STRATA_PURGE_DELAY=0 $<TARGET_FILE:stress_blocks_change_hands> 2)
  endforeach()
endif()
