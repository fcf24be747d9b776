// The command `strata`: finds the subcommand and runs it. Each command is a file in tool/commands/.
#include <fmt/core.h>

#include <exception>

#include "command.hpp"

// What escapes from here is a fault of the program itself: let it end loudly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int count, char** arguments) {
  CLI::App app("Strata: see a program's heap, and compare ways to keep one.", "strata");
  app.require_subcommand(1);
  app.set_version_flag("--version", "strata " STRATA_VERSION);

  strata::tool::Context context;
  for (auto* register_command : {strata::tool::register_lab}) register_command(app, context);

  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "strata: error: {}\n", error.what());
    return 1;
  }
  return context.exit_code;
}
