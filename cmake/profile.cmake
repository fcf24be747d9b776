# strata profile: names through elfutils, pprof's format through protozero and zlib (Debian:
# libdw-dev libprotozero-dev zlib1g-dev); left out where one of them is missing.
find_path(LIBDW_INCLUDE elfutils/libdwfl.h)
find_library(LIBDW_LIBRARY dw)
find_path(PROTOZERO_INCLUDE protozero/pbf_builder.hpp)
find_package(ZLIB QUIET)
if(NOT TARGET strata_tool)
  return()
endif()
if(NOT LIBDW_INCLUDE OR NOT LIBDW_LIBRARY OR NOT PROTOZERO_INCLUDE OR NOT ZLIB_FOUND)
  message(STATUS "strata profile is left out: libdw, protozero or zlib is missing")
  return()
endif()

set(STRATA_PROFILES ON)
target_sources(strata_tool PRIVATE
  tool/profile/attached.cpp tool/profile/heap_profile.cpp tool/profile/held.cpp
  tool/profile/pprof.cpp tool/profile/read_pprof.cpp tool/profile/recording.cpp
  tool/profile/session.cpp tool/profile/symbols.cpp tool/profile/text.cpp
  tool/report/page.cpp tool/report/recordings.cpp ${CMAKE_BINARY_DIR}/report_parts.cpp
  tool/commands/profile.cpp tool/commands/report.cpp)
if(TARGET strata_trace)
  target_sources(strata_tool PRIVATE
    tool/profile/trace_profile.cpp tool/report/from_trace.cpp tool/report/trace_replay.cpp)
endif()
embedded(${CMAKE_BINARY_DIR}/report_parts.cpp report/parts.hpp strata::report
  style ${CMAKE_SOURCE_DIR}/tool/report/page.css script ${CMAKE_SOURCE_DIR}/tool/report/page.js)
target_include_directories(strata_tool PRIVATE ${LIBDW_INCLUDE} ${PROTOZERO_INCLUDE})
target_compile_definitions(strata_tool PRIVATE STRATA_HAS_PROFILE)
target_link_libraries(strata_tool PRIVATE ${LIBDW_LIBRARY} ZLIB::ZLIB)
