# The bench: workloads, memory scenarios, the launcher that measures, and the instruction counter.
# Targets: bench (measure everything), bench_hot_path (count instructions), bench_programs (build).
if(STRATA_BENCH)
  find_package(Threads REQUIRED)

  add_executable(bench_workloads
    bench/workloads/main.cpp bench/workloads/churn.cpp bench/workloads/batches.cpp
    bench/workloads/family.cpp bench/workloads/large.cpp bench/workloads/containers.cpp
    bench/workloads/threads.cpp bench/workloads/handover.cpp bench/workloads/scaling.cpp)
  set_target_properties(bench_workloads PROPERTIES OUTPUT_NAME workloads)
  add_executable(bench_memory bench/memory_scenarios.cpp)
  set_target_properties(bench_memory PROPERTIES OUTPUT_NAME memory_scenarios)
  # Holds almost nothing itself, so that what it starts is what is measured.
  add_executable(bench_measure bench/measure.cpp)
  set_target_properties(bench_measure PROPERTIES OUTPUT_NAME measure)
  target_link_options(bench_measure PRIVATE -static)

  foreach(program bench_workloads bench_memory bench_measure)
    # Allocations whose result is not used must still be made.
    target_compile_options(${program} PRIVATE -O2 -Wall -Wextra -Wshadow -fno-allocation-dce
      -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free)
    target_link_libraries(${program} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
    set_target_properties(${program} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  endforeach()
endif()
