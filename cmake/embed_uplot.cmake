# Makes OUT, a C++ file with uPlot inside, from DIRECTORY/node_modules; with nothing inside if the
# package is not there. Run as a script: cmake -DOUT=... -DDIRECTORY=... -P embed_uplot.cmake
set(dist ${DIRECTORY}/node_modules/uplot/dist)

# A string literal may be 64 KiB at most in standard C++, so the text goes in as pieces.
function(literal file out)
  set(pieces "\"\"")
  if(EXISTS ${file})
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
  endif()
  set(${out} "${pieces}" PARENT_SCOPE)
endfunction()

literal(${dist}/uPlot.iife.min.js script)
literal(${dist}/uPlot.min.css style)
file(WRITE ${OUT} "// Made by cmake/embed_uplot.cmake. uPlot is MIT-licensed, (c) its author.
#include \"lab/page.hpp\"

namespace strata::lab {
const std::string_view uplot_script = ${script};
const std::string_view uplot_style = ${style};
}  // namespace strata::lab
")
