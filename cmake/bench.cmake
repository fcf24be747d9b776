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

  set(bench_programs bench_workloads bench_memory bench_measure)

  # The instruction counter steps x86-64 code.
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_executable(bench_probe bench/hot_path/probe.cpp bench/hot_path/step_counter.cpp)
    set_target_properties(bench_probe PROPERTIES OUTPUT_NAME probe)
    target_link_options(bench_probe PRIVATE -Wl,-z,now)
    list(APPEND bench_programs bench_probe)
  endif()

  foreach(program ${bench_programs})
    # Allocations whose result is not used must still be made.
    target_compile_options(${program} PRIVATE -O2 -Wall -Wextra -Wshadow -fno-allocation-dce
      -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free)
    target_link_libraries(${program} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
    set_target_properties(${program} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  endforeach()

  add_custom_target(bench_programs DEPENDS ${bench_programs} strata_shared)
  find_package(Python3 COMPONENTS Interpreter)
  if(Python3_FOUND)
    # Options come in the environment: BENCH="--quick" PEERS=a.so,b.so
    add_custom_target(bench
      COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/bench/bench.py --build ${CMAKE_BINARY_DIR}
      DEPENDS bench_programs USES_TERMINAL VERBATIM)
  endif()
  if(Python3_FOUND AND TARGET bench_probe)
    set(hot_path ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/bench/hot_path/hot_path.py
      --build ${CMAKE_BINARY_DIR} --compiler "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
    add_custom_target(bench_hot_path COMMAND ${hot_path} --gate
      DEPENDS bench_programs USES_TERMINAL VERBATIM)
    add_custom_target(bench_hot_path_record COMMAND ${hot_path} --record
      DEPENDS bench_programs USES_TERMINAL VERBATIM)
    # Counts of unoptimised or instrumented code are not the ones that were recorded.
    if(STRATA_TESTS AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CMAKE_CXX_FLAGS MATCHES "sanitize")
      enable_testing()
      add_test(NAME hot_path_counts_do_not_grow COMMAND ${hot_path} --gate --strata-only)
      set_tests_properties(hot_path_counts_do_not_grow PROPERTIES TIMEOUT 300)
    endif()
  endif()
endif()
