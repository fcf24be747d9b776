# The bench: workloads, memory scenarios, the launcher that measures, and the count of instructions.
# Targets: bench (measures everything), bench_hot_path (counts instructions, fails when one has grown),
# bench_hot_path_record (records them anew), bench_programs (only builds).
find_package(Python3 COMPONENTS Interpreter)
set(bench_programs "")

function(strata_bench_program name output)
  add_executable(${name} ${ARGN})
  # Allocations whose result is not used must still be made.
  target_compile_options(${name} PRIVATE -O2 -Wall -Wextra -Wshadow -fno-allocation-dce
    -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free)
  find_package(Threads REQUIRED)
  target_link_libraries(${name} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${output}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  set(bench_programs ${bench_programs} ${name} PARENT_SCOPE)
endfunction()

if(STRATA_BENCH)
  strata_bench_program(bench_workloads workloads
    bench/workloads/main.cpp bench/workloads/churn.cpp bench/workloads/batches.cpp
    bench/workloads/family.cpp bench/workloads/large.cpp bench/workloads/containers.cpp
    bench/workloads/threads.cpp bench/workloads/handover.cpp bench/workloads/scaling.cpp)
  strata_bench_program(bench_memory memory_scenarios bench/memory_scenarios.cpp)
  # Static, so that it holds almost nothing itself and no preloaded library reaches it.
  strata_bench_program(bench_measure measure bench/measure.cpp)
  target_link_options(bench_measure PRIVATE -static)
  strata_bench_program(bench_sampling sampling_cost bench/sampling/sampling_cost.cpp)
  target_include_directories(bench_sampling PRIVATE src)
  target_link_libraries(bench_sampling PRIVATE strata_static)
endif()

# The trap flag is x86-64's.
if((STRATA_BENCH OR STRATA_TESTS) AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  strata_bench_program(bench_probe probe
    bench/hot_path/probe.cpp bench/hot_path/step_counter.cpp)
  target_link_options(bench_probe PRIVATE -Wl,-z,now)
endif()

add_custom_target(bench_programs DEPENDS ${bench_programs} strata_shared)
if(STRATA_BENCH AND Python3_FOUND)
  # Options come in the environment: BENCH="--quick" PEERS=a.so,b.so
  add_custom_target(bench
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/bench/bench.py --build ${CMAKE_BINARY_DIR}
    DEPENDS bench_programs USES_TERMINAL VERBATIM)
endif()
if(STRATA_TESTS AND Python3_FOUND AND NOT STRATA_SANITIZE)
  enable_testing()
  add_test(NAME bench.reports_what_was_measured
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/bench/bench_test.py)
  set_tests_properties(bench.reports_what_was_measured PROPERTIES TIMEOUT 300)
endif()
if(TARGET bench_probe AND Python3_FOUND)
  set(hot_path ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/bench/hot_path/hot_path.py
    --build ${CMAKE_BINARY_DIR} --compiler "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
  add_custom_target(bench_hot_path COMMAND ${hot_path} --gate
    DEPENDS bench_programs USES_TERMINAL VERBATIM)
  add_custom_target(bench_hot_path_record COMMAND ${hot_path} --record
    DEPENDS bench_programs USES_TERMINAL VERBATIM)
  # Counts of unoptimised or instrumented code are not the ones that were recorded.
  if(STRATA_TESTS AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT STRATA_SANITIZE)
    enable_testing()
    add_test(NAME hot_path_counts_do_not_grow COMMAND ${hot_path} --gate --strata-only)
    set_tests_properties(hot_path_counts_do_not_grow PROPERTIES TIMEOUT 300)
  endif()
endif()
