# What teaches the command: --help, strata config, explain and completion, the manual pages. All from
# the tree that parses the command line and the option table; included by tool.cmake.
if(NOT TARGET strata_tool)
  return()
endif()
target_sources(strata_tool PRIVATE
  tool/commands/completion.cpp tool/commands/config.cpp tool/commands/explain.cpp
  tool/teach/candidates.cpp tool/teach/completion.cpp tool/teach/help.cpp tool/teach/lessons.cpp
  tool/teach/manual.cpp tool/teach/options.cpp tool/teach/scripts.cpp tool/teach/text.cpp
  tool/teach/tree.cpp)

# The finished command writes its own pages and scripts, unless it is built for another machine.
if(NOT CMAKE_CROSSCOMPILING)
  set(strata_taught ${CMAKE_BINARY_DIR}/share)
  add_custom_command(OUTPUT ${strata_taught}/stamp
    COMMAND ${CMAKE_COMMAND} -DSTRATA=$<TARGET_FILE:strata_tool> -DOUT=${strata_taught}
            -P ${CMAKE_SOURCE_DIR}/cmake/write_manual.cmake
    DEPENDS strata_tool ${CMAKE_SOURCE_DIR}/cmake/write_manual.cmake
    COMMENT "Writing the manual pages" VERBATIM)
  add_custom_target(strata_manual ALL DEPENDS ${strata_taught}/stamp)
  include(GNUInstallDirs)
  install(DIRECTORY ${strata_taught}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
  install(DIRECTORY ${strata_taught}/completion/ DESTINATION ${CMAKE_INSTALL_DATADIR})
endif()

if(STRATA_TESTS)
  enable_testing()
  find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
  foreach(part help options completion shells manual)
    add_test(NAME teach.${part} COMMAND Python3::Interpreter
      ${CMAKE_SOURCE_DIR}/tests/teach/teach_test.py --build ${CMAKE_BINARY_DIR} --part ${part})
    set_tests_properties(teach.${part} PROPERTIES TIMEOUT 300 LABELS teach SKIP_RETURN_CODE 77)
  endforeach()
endif()
