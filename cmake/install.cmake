# What `make install` puts under PREFIX (/usr/local), for programs to find by pkg-config or CMake:
#   strata          strata::strata, strata::static     the process heap and the region: libstrata.so, .a
#   strata-region   strata::region                     the region alone: no malloc replaced, no libc needed
#
# C programs include <strata/strata.h> or <strata/region.h>, C++ programs <strata/region.hpp> and
# their like. Those are headers that include the core's by their paths in src/, which are therefore
# installed in include/strata/core; the packages name that folder.
include(GNUInstallDirs)

install(TARGETS strata_shared strata_static strata_region
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET strata_tool)
  install(TARGETS strata_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET strata_trace)
  # What the command starts and preloads; nobody else does.
  install(TARGETS strata_recorder strata_player
    LIBRARY DESTINATION lib/strata
    RUNTIME DESTINATION lib/strata)
endif()
install(DIRECTORY include/strata DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/strata/core
  FILES_MATCHING PATTERN "*.hpp" PATTERN "front" EXCLUDE PATTERN "sim" EXCLUDE)

# Relative to the package's own folder, so that an installed tree can be moved.
file(RELATIVE_PATH to_headers /${CMAKE_INSTALL_LIBDIR}/pkgconfig /${CMAKE_INSTALL_INCLUDEDIR})
function(strata_package name description libs private_libs)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}.pc @ONLY CONTENT
"includedir=\${pcfiledir}/@to_headers@
libdir=\${pcfiledir}/..

Name: @name@
Description: @description@
Version: @PROJECT_VERSION@
Cflags: -I\${includedir} -I\${includedir}/strata/core
Libs: -L\${libdir} @libs@
Libs.private: @private_libs@
")
  install(FILES ${CMAKE_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
strata_package(strata "A memory allocator: the process heap and regions" -lstrata -pthread)
strata_package(strata-region "A heap inside memory you give it" -lstrata_region "")

# find_package(strata): the same three libraries as targets, found from the package's own folder.
file(RELATIVE_PATH package_to_headers /${CMAKE_INSTALL_LIBDIR}/cmake/strata
  /${CMAKE_INSTALL_INCLUDEDIR})
configure_file(cmake/package.cmake.in strata-config.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/strata-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/strata-config.cmake ${CMAKE_BINARY_DIR}/strata-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/strata)

# A program in C and one in C++, built from an installed tree alone.
if(STRATA_TESTS)
  add_test(NAME install.programs_build_from_an_installed_tree
    COMMAND ${CMAKE_SOURCE_DIR}/tests/install/programs_build_from_an_installed_tree.sh
      ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/examples)
  set_tests_properties(install.programs_build_from_an_installed_tree PROPERTIES TIMEOUT 300)
endif()
