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
  tool/profile/pprof.cpp tool/profile/recording.cpp tool/profile/session.cpp
  tool/profile/symbols.cpp tool/profile/text.cpp
  tool/report/page.cpp ${CMAKE_BINARY_DIR}/report_parts.cpp
  tool/commands/profile.cpp tool/commands/report.cpp)
# The page's own style and script; what draws its curves is the lab's uPlot (cmake/tool.cmake).
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/report_parts.cpp
  COMMAND ${CMAKE_COMMAND} -DOUT=${CMAKE_BINARY_DIR}/report_parts.cpp
          -DHEADER=report/parts.hpp -DNAMESPACE=strata::report -DNAMES=style,script
          -DFILES=${CMAKE_SOURCE_DIR}/tool/report/page.css,${CMAKE_SOURCE_DIR}/tool/report/page.js
          -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS tool/report/page.css tool/report/page.js cmake/embed.cmake VERBATIM)
target_include_directories(strata_tool PRIVATE ${LIBDW_INCLUDE} ${PROTOZERO_INCLUDE})
target_compile_definitions(strata_tool PRIVATE STRATA_HAS_PROFILE)
target_link_libraries(strata_tool PRIVATE ${LIBDW_LIBRARY} ZLIB::ZLIB)
