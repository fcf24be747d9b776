# Tests. Unit tests link the core's objects under a name of their own, so that GoogleTest itself keeps
# the system's malloc.
if(STRATA_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)

  function(strata_test name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE GTest::gtest_main strata_core_flags)
    target_compile_options(${name} PRIVATE -fexceptions -frtti -Wno-conversion)
    target_include_directories(${name} PRIVATE tests)
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
  endfunction()

  strata_test(sharing_test tests/protocol/sharing_test.cpp tests/protocol/left_runs_test.cpp)
endif()
