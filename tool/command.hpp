// What a subcommand of `strata` is: a function that adds itself to the application.
//
// One file per command in tool/commands/. To add one: write register_NAME there, declare it here,
// and add it to the list in main.cpp; --help, completion and the manual find it by themselves (what
// its footer should look like: teach/tree.hpp). A command sets `exit_code` when it has run and
// failed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace strata::tool {

struct Context {
  int exit_code = 0;
  // What stands behind "--" on the command line: a program and its arguments. A command's list of
  // positional arguments holds it too, at its end.
  std::vector<std::string> program;
};

void register_compare(CLI::App& app, Context& context);
void register_doctor(CLI::App& app, Context& context);
void register_completion(CLI::App& app, Context& context);
void register_config(CLI::App& app, Context& context);
void register_explain(CLI::App& app, Context& context);
void register_lab(CLI::App& app, Context& context);
void register_map(CLI::App& app, Context& context);
void register_profile(CLI::App& app, Context& context);
void register_record(CLI::App& app, Context& context);
void register_report(CLI::App& app, Context& context);
void register_replay(CLI::App& app, Context& context);
void register_trace(CLI::App& app, Context& context);
void register_run(CLI::App& app, Context& context);
void register_stat(CLI::App& app, Context& context);
void register_top(CLI::App& app, Context& context);

}  // namespace strata::tool
