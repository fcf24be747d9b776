// The manual pages, in mdoc: strata(1), one for each subcommand, and strata(7) for the library's
// options. From the tree that parses the command line and the option table: nothing is told twice.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace strata::tool {

// Writes man1/strata.1, man1/strata-NAME.1 and man7/strata.7 into a folder, which it makes.
// Throws when a file cannot be written.
void write_manual(const CLI::App& app, const std::string& folder);

}  // namespace strata::tool
