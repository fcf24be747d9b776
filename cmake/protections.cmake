# What each protection of hardened mode costs: libraries that go without one of them each, and a
# table of instructions and memory beside the whole one. Two of them are tests as well: that the
# tests of misuse notice what is missing.
#
#   ninja -C build protections      builds them and prints the table (docs/design/security.md)
if(NOT STRATA_TESTS OR STRATA_SANITIZE OR NOT TARGET strata_shared OR NOT TARGET misuse_player)
  return()
endif()
set(protections canary clearing reuse_check random_place quarantine guards origin)
set(seen_to_be_missing canary reuse_check origin)
set(harden_sources src/harden/small.cpp src/harden/large.cpp src/harden/large_rest.cpp src/harden/slab.cpp
  src/harden/guards.cpp src/harden/mode.cpp src/harden/verify.cpp)
set(others $<TARGET_OBJECTS:strata_objects>)
set(others "$<FILTER:${others},EXCLUDE,src/harden/(small|large|large_rest|slab|guards|mode|verify)\\.cpp>")

get_target_property(core_options strata_objects COMPILE_OPTIONS)
get_target_property(link_options strata_shared LINK_OPTIONS)
set(number 0)
foreach(protection ${protections})
  math(EXPR number "${number} + 1")
  set(without strata_without_${protection})
  add_library(${without}_objects OBJECT EXCLUDE_FROM_ALL ${harden_sources})
  target_link_libraries(${without}_objects PRIVATE strata_core_flags)
  target_compile_options(${without}_objects PRIVATE ${core_options})
  target_compile_definitions(${without}_objects PRIVATE STRATA_WITHOUT=${number})
  set_target_properties(${without}_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
  add_library(${without} SHARED EXCLUDE_FROM_ALL ${others} $<TARGET_OBJECTS:${without}_objects>)
  target_link_options(${without} PRIVATE ${link_options})
  set_target_properties(${without} PROPERTIES LINKER_LANGUAGE C
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/protections OUTPUT_NAME without_${protection})
  list(APPEND libraries_without ${without})
  if(protection IN_LIST seen_to_be_missing AND TARGET misuse_test)
    set_target_properties(${without} PROPERTIES EXCLUDE_FROM_ALL OFF)
    outside_test(misuse.is_missed_without_${protection} PLAIN
      COMMAND misuse_test $<TARGET_FILE:misuse_player> $<TARGET_FILE:${without}> hardened ${protection})
    set_tests_properties(misuse.is_missed_without_${protection} PROPERTIES
      ENVIRONMENT "RC_PARAMS=seed=1 max_success=20")
  endif()
endforeach()

if(TARGET bench_probe AND Python3_FOUND)
  add_custom_target(protections
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/bench/protections.py --build ${CMAKE_BINARY_DIR}
    DEPENDS bench_programs strata_shared ${libraries_without} USES_TERMINAL VERBATIM)
endif()
