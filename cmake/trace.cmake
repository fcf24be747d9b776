# Recording and replaying: the recorder to preload, the trace's format, the replayer.
# Needs zstd (Debian: libzstd-dev) but for the recorder; left out where it is missing.

# In the recorded program: no C++ runtime, as the program may have none.
add_library(strata_recorder SHARED
  tool/record/recorder/log.cpp tool/record/recorder/next.cpp
  tool/record/recorder/family.cpp tool/record/recorder/operators.cpp)
set_target_properties(strata_recorder PROPERTIES OUTPUT_NAME strata-record LINKER_LANGUAGE C
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/tool/record/recorder/exports.map)
target_include_directories(strata_recorder PRIVATE tool)
target_compile_options(strata_recorder PRIVATE -Wall -Wextra -Wshadow -fno-exceptions -fno-rtti
  -fno-threadsafe-statics -fvisibility=hidden -ftls-model=initial-exec -fno-plt
  -fno-stack-protector -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc
  -fno-builtin-free -Wno-attributes)
target_link_options(strata_recorder PRIVATE -Wl,-z,now,-z,relro,-z,nodelete,--as-needed
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/tool/record/recorder/exports.map)
target_link_libraries(strata_recorder PRIVATE ${CMAKE_DL_LIBS})

find_path(ZSTD_INCLUDE zstd.h)
find_library(ZSTD_LIBRARY zstd)
find_package(fmt QUIET)
if(NOT ZSTD_INCLUDE OR NOT ZSTD_LIBRARY OR NOT fmt_FOUND)
  message(STATUS "strata record, trace, replay and compare are left out: libzstd or fmt is missing")
  return()
endif()

# The file: written by `strata record`, read by everybody else.
add_library(strata_trace STATIC
  tool/trace/columns.cpp tool/trace/file.cpp tool/trace/writer.cpp tool/trace/reader.cpp
  tool/trace/history.cpp)
target_include_directories(strata_trace PUBLIC tool PRIVATE ${ZSTD_INCLUDE})
target_compile_options(strata_trace PRIVATE -Wall -Wextra -Wshadow)
target_link_libraries(strata_trace PUBLIC fmt::fmt PRIVATE ${ZSTD_LIBRARY})

# What plays a trace under an allocator: nothing in it but the C library.
add_executable(strata_player tool/replay/player/player.cpp tool/replay/player/tables.cpp)
set_target_properties(strata_player PROPERTIES OUTPUT_NAME strata-player LINKER_LANGUAGE C)
target_include_directories(strata_player PRIVATE tool)
target_compile_options(strata_player PRIVATE -Wall -Wextra -Wshadow -fno-exceptions -fno-rtti
  -fno-threadsafe-statics -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc
  -fno-builtin-free -Wno-array-bounds -Wno-stringop-overflow)
find_package(Threads REQUIRED)
target_link_libraries(strata_player PRIVATE Threads::Threads ${CMAKE_DL_LIBS})

# What the command is given of it (cmake/tool.cmake).
set(STRATA_TRACE_SOURCES
  tool/lab/recording.cpp
  tool/record/collector.cpp tool/record/session.cpp tool/record/trace_sink.cpp
  tool/replay/allocators.cpp tool/replay/json.cpp tool/replay/live.cpp tool/replay/page.cpp
  tool/replay/plan_builder.cpp tool/replay/player_process.cpp tool/replay/result.cpp
  tool/replay/run.cpp tool/replay/table.cpp tool/replay/words.cpp
  tool/commands/compare.cpp tool/commands/comparing.cpp tool/commands/record.cpp
  tool/commands/replay.cpp tool/commands/trace.cpp)

if(STRATA_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  find_library(RAPIDCHECK rapidcheck REQUIRED)
  add_executable(trace_test
    tests/unit/trace/columns_test.cpp tests/unit/trace/file_test.cpp
    tests/unit/trace/history_test.cpp tests/unit/trace/plan_test.cpp
    tool/replay/plan_builder.cpp tool/replay/result.cpp)
  target_include_directories(trace_test PRIVATE tests)
  target_compile_options(trace_test PRIVATE -Wall -Wextra)
  target_link_libraries(trace_test PRIVATE strata_trace ${RAPIDCHECK} GTest::gtest_main)
  gtest_discover_tests(trace_test DISCOVERY_TIMEOUT 60)

  # What users run, on a program of known steps and on real ones.
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|aarch64")
    find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
    add_executable(record_allocates tests/record/allocates.c)
    set_target_properties(record_allocates PROPERTIES OUTPUT_NAME allocates C_STANDARD 11
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/record)
    target_compile_options(record_allocates PRIVATE -O1 -Wall -Wextra -fno-builtin
      -Wno-use-after-free -Wno-alloc-size-larger-than)
    target_compile_definitions(record_allocates PRIVATE _GNU_SOURCE)
    target_link_libraries(record_allocates PRIVATE Threads::Threads)
    foreach(part steps ends damage replay programs promises)
      add_test(NAME record.${part} COMMAND Python3::Interpreter
        ${CMAKE_SOURCE_DIR}/tests/record/record_test.py --build ${CMAKE_BINARY_DIR} --part ${part})
      set_tests_properties(record.${part} PROPERTIES TIMEOUT 600 LABELS record SKIP_RETURN_CODE 77)
    endforeach()
  endif()
endif()
