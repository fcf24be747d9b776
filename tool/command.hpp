// What a subcommand of `strata` is: a function that adds itself to the application.
//
// One file per command in tool/commands/. To add one: write register_NAME there, declare it here,
// and add it to the list in main.cpp. A command sets `exit_code` when it has run and failed.
#pragma once

#include <CLI/CLI.hpp>

namespace strata::tool {

struct Context {
  int exit_code = 0;
};

void register_lab(CLI::App& app, Context& context);

}  // namespace strata::tool
