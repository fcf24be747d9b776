# Unit tests of the core's parts, mirrored on src/. They link the core's objects, compiled once more:
# with the Linux platform, and with the one of tests/unit/fake, which refuses what a test tells it to
# and whose clock stands until moved.
if(STRATA_TESTS)
  find_library(RAPIDCHECK rapidcheck REQUIRED)

  set(STRATA_UNIT_SOURCES ${STRATA_START} ${STRATA_SOON} ${STRATA_ASIDE} src/front/c_api.cpp src/front/process.cpp
    tests/unit/support/no_statistics.cpp)
  foreach(platform linux fake)
    add_library(strata_unit_${platform} OBJECT ${STRATA_UNIT_SOURCES})
    if(platform STREQUAL fake)
      target_include_directories(strata_unit_${platform} BEFORE PUBLIC tests/unit/fake)
    endif()
    target_include_directories(strata_unit_${platform} PUBLIC tests/unit tests)
    target_link_libraries(strata_unit_${platform} PUBLIC strata_core_flags)
    target_compile_options(strata_unit_${platform} PRIVATE -ftls-model=initial-exec -Wno-attributes)
  endforeach()

  # strata_unit_test(name platform sources...)
  function(strata_unit_test name platform)
    strata_test(${name} ${ARGN})
    # RapidCheck needs both; options of sources come behind those of what is linked.
    set_source_files_properties(${ARGN} PROPERTIES
      COMPILE_OPTIONS "-fexceptions;-frtti;-Wno-conversion;-Wno-array-bounds")
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:strata_unit_${platform}>)
    if(platform STREQUAL fake)
      target_include_directories(${name} BEFORE PRIVATE tests/unit/fake)
    endif()
    target_include_directories(${name} PRIVATE tests/unit)
    target_link_libraries(${name} PRIVATE ${RAPIDCHECK})
  endfunction()

  strata_unit_test(base_test linux
    tests/unit/base/bits_test.cpp
    tests/unit/base/intrusive_list_test.cpp
    tests/unit/base/print_test.cpp
    tests/unit/platform/futex_lock_test.cpp
    tests/unit/platform/linux_platform_test.cpp
    tests/unit/platform/stack_walk_test.cpp
    tests/unit/options/parse_test.cpp
    tests/unit/options/options_test.cpp)
  strata_unit_test(span_test linux
    tests/unit/span/model_test.cpp
    tests/unit/span/exhaustive_test.cpp
    tests/unit/span/check_test.cpp)
  strata_unit_test(ranges_test fake
    tests/unit/ranges/metadata_test.cpp
    tests/unit/ranges/slot_range_test.cpp
    tests/unit/ranges/huge_zone_test.cpp
    tests/unit/ranges/slot_supply_test.cpp
    tests/unit/ranges/refusal_test.cpp)
  strata_unit_test(heap_refusal_test fake
    tests/unit/heap/refusal_test.cpp)
  strata_unit_test(heap_test linux
    tests/unit/heap/size_classes_test.cpp
    tests/unit/heap/slab_test.cpp
    tests/unit/heap/blocks_test.cpp
    tests/unit/heap/falloc_test.cpp
    tests/unit/heap/random_program_test.cpp
    tests/unit/heap/threads_test.cpp
    tests/unit/heap/vain_count_test.cpp
    tests/unit/heap/statistics_test.cpp
    tests/unit/heap/misuse_test.cpp
    tests/unit/heap/c_api_test.cpp
    tests/unit/heap/without_samples.cpp)
  strata_unit_test(sample_test linux
    tests/unit/heap/sample_fairness_test.cpp
    tests/unit/heap/sample_switching_test.cpp
    tests/unit/heap/sample_clients_test.cpp)
  strata_unit_test(profiler_test linux
    tests/unit/observe/profiler_test.cpp)
  strata_unit_test(sharing_stress_test linux
    tests/unit/heap/sharing_stress_test.cpp)
endif()
