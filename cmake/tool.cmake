# The command `strata`. Needs CLI11, fmt, nlohmann-json, elfutils and ncurses (Debian: libcli11-dev
# libfmt-dev nlohmann-json3-dev libelf-dev libncurses-dev); it is left out where they are missing.
find_package(CLI11 QUIET)
find_package(fmt QUIET)
find_package(nlohmann_json QUIET)
find_package(Threads REQUIRED)
find_library(STRATA_LIBELF elf)
find_path(STRATA_LIBELF_INCLUDE gelf.h)
find_library(STRATA_NCURSES ncursesw)
find_path(STRATA_NCURSES_INCLUDE ncurses.h)

if(CLI11_FOUND AND fmt_FOUND AND nlohmann_json_FOUND AND STRATA_LIBELF AND STRATA_LIBELF_INCLUDE
   AND STRATA_NCURSES AND STRATA_NCURSES_INCLUDE)
  # What draws curves on the pages: uPlot, fetched by npm while configuring, if it is there. The build works without.
  option(STRATA_UPLOT "Fetch uPlot by npm for the pages" ON)
  set(uplot_version 1.6.31)
  set(uplot_directory ${CMAKE_BINARY_DIR}/uplot)
  find_program(NPM npm)
  if(STRATA_UPLOT AND NPM AND NOT EXISTS ${uplot_directory}/node_modules/uplot)
    file(MAKE_DIRECTORY ${uplot_directory})
    execute_process(
      COMMAND ${NPM} install --prefix ${uplot_directory} --no-audit --no-fund --ignore-scripts
              uplot@${uplot_version}
      TIMEOUT 60 RESULT_VARIABLE uplot_result OUTPUT_QUIET ERROR_QUIET)
    if(NOT uplot_result EQUAL 0)
      message(STATUS "uPlot could not be fetched: the pages will have no curves")
    endif()
  endif()
  # embedded(OUT HEADER NAMESPACE NAME FILE...): OUT, a file that holds FILEs as the NAMEs that HEADER
  # declares in NAMESPACE.
  function(embedded out header namespace)
    set(names "")
    set(files "")
    foreach(word ${ARGN})
      list(LENGTH names names_so_far)
      list(LENGTH files files_so_far)
      if(names_so_far EQUAL files_so_far)
        list(APPEND names ${word})
      else()
        list(APPEND files ${word})
      endif()
    endforeach()
    set(sources ${files})
    list(FILTER sources INCLUDE REGEX "^${CMAKE_SOURCE_DIR}/tool/")
    list(JOIN names "," names)
    list(JOIN files "," files)
    add_custom_command(OUTPUT ${out}
      COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DHEADER=${header} -DNAMESPACE=${namespace}
              -DNAMES=${names} -DFILES=${files} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
      DEPENDS ${sources} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  endfunction()
  set(uplot ${uplot_directory}/node_modules/uplot/dist)
  set(tool ${CMAKE_SOURCE_DIR}/tool)
  set(lab_page ${CMAKE_BINARY_DIR}/lab_page.cpp)
  embedded(${lab_page} lab/page.hpp strata::lab page_style ${tool}/lab/page/page.css
    page_body ${tool}/lab/page/page.html page_script ${tool}/lab/page/page.js)
  set(page_parts ${CMAKE_BINARY_DIR}/page_parts.cpp)
  embedded(${page_parts} page/parts.hpp strata::page style ${tool}/page/style.css
    script ${tool}/page/common.js uplot_script ${uplot}/uPlot.iife.min.js
    uplot_style ${uplot}/uPlot.min.css)
  set(run_page ${CMAKE_BINARY_DIR}/run_page_parts.cpp)
  embedded(${run_page} observe/page_parts.hpp strata::observe page_style ${tool}/observe/page/run.css
    page_script ${tool}/observe/page/run.js)

  add_executable(strata_tool
    tool/main.cpp
    tool/libraries.cpp
    tool/commands/lab.cpp
    tool/commands/doctor.cpp
    tool/commands/map.cpp
    tool/commands/run.cpp
    tool/commands/stat.cpp
    tool/commands/top.cpp
    tool/lab/instructions.cpp
    tool/lab/report.cpp
    tool/lab/run_best.cpp
    tool/lab/run_first.cpp
    tool/lab/run_good.cpp
    tool/lab/run_next.cpp
    tool/lab/run_score.cpp
    tool/lab/workload.cpp
    tool/observe/account.cpp tool/observe/join.cpp tool/observe/join_outside.cpp
    tool/observe/conversation.cpp
    tool/observe/documents.cpp
    tool/observe/findings.cpp
    tool/observe/heap_map.cpp tool/observe/slab_blocks.cpp
    tool/observe/images.cpp
    tool/observe/launch.cpp
    tool/observe/monitor.cpp
    tool/observe/process.cpp
    tool/observe/program.cpp
    tool/observe/residency.cpp
    tool/observe/run_page.cpp
    tool/observe/run_report.cpp
    tool/observe/settings.cpp
    tool/observe/surroundings.cpp
    tool/observe/terminal.cpp
    tool/observe/top_screen.cpp
    tool/observe/under_strata.cpp
    tool/observe/words.cpp
    src/options/options.cpp
    src/platform/linux/linux_platform.cpp
    tool/page/shell.cpp
    ${lab_page} ${page_parts} ${run_page})
  set_target_properties(strata_tool PROPERTIES OUTPUT_NAME strata)
  target_include_directories(strata_tool PRIVATE include src tool)
  target_compile_options(strata_tool PRIVATE -Wall -Wextra)
  include(GNUInstallDirs)
  target_compile_definitions(strata_tool PRIVATE STRATA_VERSION="${PROJECT_VERSION}"
    STRATA_LIBRARY_FOLDER="${CMAKE_INSTALL_LIBDIR}")
  target_include_directories(strata_tool PRIVATE ${STRATA_LIBELF_INCLUDE})
  target_link_libraries(strata_tool PRIVATE CLI11::CLI11 fmt::fmt nlohmann_json::nlohmann_json
                                            ${STRATA_LIBELF} ${STRATA_NCURSES} Threads::Threads)
  if(TARGET strata_trace)
    set(compare_page ${CMAKE_BINARY_DIR}/compare_page_parts.cpp)
    embedded(${compare_page} replay/page_parts.hpp strata::replay
      page_style ${tool}/replay/page/compare.css page_script ${tool}/replay/page/compare.js)
    target_sources(strata_tool PRIVATE ${STRATA_TRACE_SOURCES} ${compare_page})
    target_compile_definitions(strata_tool PRIVATE STRATA_HAS_TRACES)
    target_link_libraries(strata_tool PRIVATE strata_trace)
    # What it starts stands beside it.
    add_dependencies(strata_tool strata_shared strata_recorder strata_player)
  endif()
  if(STRATA_TESTS)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    add_test(NAME lab_command COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tests/lab/lab_test.py
                                      $<TARGET_FILE:strata_tool>)
    set_tests_properties(lab_command PROPERTIES TIMEOUT 300)
    find_package(GTest REQUIRED)
    include(GoogleTest)
    add_executable(lab_test tests/lab/failed_checks_test.cpp tool/lab/workload.cpp
                            tool/lab/instructions.cpp)
    target_include_directories(lab_test PRIVATE include src tool)
    target_link_libraries(lab_test PRIVATE fmt::fmt GTest::gtest_main Threads::Threads)
    gtest_discover_tests(lab_test DISCOVERY_TIMEOUT 60)
  endif()
else()
  message(STATUS "The command strata is left out: CLI11, fmt, nlohmann-json, elfutils or ncurses is missing")
endif()
include(${CMAKE_CURRENT_LIST_DIR}/teach.cmake)
