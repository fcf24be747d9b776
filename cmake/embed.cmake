# Makes OUT, a C++ file with the contents of files as string_views: NAMES and FILES are lists of equal
# length, separated by commas; a file that is not there is empty. HEADER declares the names in
# NAMESPACE. Run as a script: cmake -DOUT=... -DHEADER=... -DNAMESPACE=... -DNAMES=... -DFILES=... -P
string(REPLACE "," ";" names "${NAMES}")
string(REPLACE "," ";" files "${FILES}")
set(text "// Made by cmake/embed.cmake.\n#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(name file IN ZIP_LISTS names files)
  # A string literal may be 64 KiB at most in standard C++, so the text goes in as pieces.
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
  string(APPEND text "const std::string_view ${name} = ${pieces};\n")
endforeach()
file(WRITE ${OUT} "${text}}  // namespace ${NAMESPACE}\n")
