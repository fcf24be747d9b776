// --help: what a command is for, how it is called, its options by group, examples.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace strata::tool {

// To be given to the application before its subcommands are added: they take it over.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace strata::tool
