# The library: core, fronts, shared and static.
#
# Linked in this order: what runs at every program's start, what most programs run soon, and what most
# never run. The first fit in 64 KiB, and layout.ld sets where they stand.
set(STRATA_START
  src/ranges/slot_range.cpp src/ranges/slot_supply.cpp
  src/heap/refill.cpp src/heap/free.cpp src/heap/large.cpp src/heap/slab_life.cpp
  src/heap/threads.cpp src/heap/sample.cpp src/platform/linux/linux_platform.cpp
  src/options/options.cpp src/harden/guard_samples.cpp src/heap/verify.cpp)
set(STRATA_FRONT_START src/front/libc.cpp src/front/process.cpp)
set(STRATA_SOON
  src/heap/reallocate.cpp src/heap/outbox.cpp src/heap/huge.cpp src/heap/thin.cpp
  src/heap/mode.cpp src/heap/zero_sized.cpp)
set(STRATA_FRONT_SOON
  src/front/operators.cpp src/front/throwing_handler.cpp src/front/c_api.cpp)
set(STRATA_ASIDE
  src/platform/linux/worker.cpp src/heap/strip.cpp
  src/heap/statistics.cpp src/heap/report.cpp
  src/observe/observer.cpp src/observe/survey.cpp src/observe/blocks.cpp src/observe/estimates.cpp
  src/observe/profiler.cpp src/observe/profile_writer.cpp src/observe/sampled_slabs.cpp
  src/platform/linux/frame_rules.cpp src/platform/linux/stack_walk.cpp
  src/platform/linux/shared_map.cpp src/platform/linux/whereabouts.cpp
  src/platform/linux/shared_file.cpp src/platform/linux/faults.cpp
  src/harden/mode.cpp src/harden/small.cpp src/harden/large.cpp src/harden/large_place.cpp
  src/harden/large_rest.cpp
  src/harden/slab.cpp
  src/harden/thread.cpp src/harden/purge.cpp src/harden/guards.cpp src/harden/memory.cpp
  src/harden/verify.cpp src/harden/random.cpp src/harden/bytes.cpp src/harden/misuse.cpp src/harden/stack.cpp
  src/harden/stack_depot.cpp src/harden/history.cpp src/harden/help.cpp
  src/harden/blocks.cpp src/harden/leaks.cpp src/harden/diagnose.cpp)
set(STRATA_FRONT_ASIDE src/front/inspect.cpp src/region/region_c_api.cpp)

add_library(strata_objects OBJECT
  ${STRATA_START} ${STRATA_FRONT_START} ${STRATA_SOON} ${STRATA_FRONT_SOON}
  ${STRATA_ASIDE} ${STRATA_FRONT_ASIDE})
target_link_libraries(strata_objects PUBLIC strata_core_flags)
# A builtin malloc or memset must not call itself through us; calls go straight, not through a table.
target_compile_options(strata_objects PRIVATE
  -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
  -ftls-model=initial-exec -fno-plt -fcf-protection=none -fno-stack-protector
  -fno-semantic-interposition -Wno-attributes)

# The one file that catches what a new handler throws; see there why no C++ runtime is needed.
set_source_files_properties(src/front/throwing_handler.cpp PROPERTIES COMPILE_OPTIONS -fexceptions)

add_library(strata_shared SHARED $<TARGET_OBJECTS:strata_objects>)
set_target_properties(strata_shared PROPERTIES OUTPUT_NAME strata LINKER_LANGUAGE C
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_link_options(strata_shared PRIVATE
  -Wl,-z,now,-z,relro,-z,nodelete,-Bsymbolic,--as-needed,-O1,--hash-style=gnu
  -Wl,-z,max-page-size=65536,-T,${CMAKE_SOURCE_DIR}/cmake/layout.ld
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/src/front/exports.map)
set_target_properties(strata_shared PROPERTIES
  LINK_DEPENDS "${CMAKE_SOURCE_DIR}/src/front/exports.map;${CMAKE_SOURCE_DIR}/cmake/layout.ld")

add_library(strata_static STATIC $<TARGET_OBJECTS:strata_objects>)
set_target_properties(strata_static PROPERTIES OUTPUT_NAME strata
  ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_include_directories(strata_static PUBLIC include)
target_include_directories(strata_shared PUBLIC include)

set_source_files_properties(src/observe/observer.cpp PROPERTIES
  COMPILE_DEFINITIONS STRATA_VERSION="${PROJECT_VERSION}")
