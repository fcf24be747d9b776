// A report of the library's made readable: places in files become functions and lines of source.
//
//   strata:     /usr/bin/program+0x1180      ->      strata:     lose at leaks.c:13 (program)
//
// By addr2line, one process a file. What it does not know (stripped files, or none there) stays as
// it is.
#pragma once

#include <iosfwd>

namespace strata::tool {

// Reads a report, and writes it with names. Returns how many places got one.
unsigned explain_report(std::istream& in, std::ostream& out);

}  // namespace strata::tool
