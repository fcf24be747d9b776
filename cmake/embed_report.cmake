# Makes OUT, a C++ file with the report's style and script inside, from SOURCE (tool/report).
# Run as a script: cmake -DOUT=... -DSOURCE=... -P embed_report.cmake
function(literal file out)
  file(READ ${file} hex HEX)
  string(LENGTH "${hex}" length)
  set(pieces "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${hex}" ${at} 4000 part)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" part "${part}")
    string(APPEND pieces "\"${part}\"\n")
    math(EXPR at "${at} + 4000")
  endwhile()
  set(${out} "${pieces}" PARENT_SCOPE)
endfunction()

literal(${SOURCE}/page.css style)
literal(${SOURCE}/page.js script)
file(WRITE ${OUT} "// Made by cmake/embed_report.cmake.
#include \"report/parts.hpp\"

namespace strata::report {
const std::string_view style = ${style};
const std::string_view script = ${script};
}  // namespace strata::report
")
