# Storeys 1 and 2 on the simulated machine, and the kernel.
add_library(strata_sim STATIC src/platform/sim/sim_machine.cpp)
target_link_libraries(strata_sim PUBLIC strata_core_flags)
set_target_properties(strata_sim PROPERTIES EXCLUDE_FROM_ALL ON)

add_custom_target(kernel COMMAND python3 ${CMAKE_SOURCE_DIR}/kernel/run_tests.py --story
  USES_TERMINAL VERBATIM)
add_custom_target(kernel-test COMMAND python3 ${CMAKE_SOURCE_DIR}/kernel/run_tests.py
  USES_TERMINAL VERBATIM)
