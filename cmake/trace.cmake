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
