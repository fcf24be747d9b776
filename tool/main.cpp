// The command `strata`: finds the subcommand and runs it. Each command is a file in tool/commands/.
#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <string_view>

#include "command.hpp"
#include "teach/completion.hpp"
#include "teach/help.hpp"
#include "teach/manual.hpp"

namespace {

// What shells and the build ask the command for; no subcommands, as nobody types them.
bool answers_machines(const CLI::App& app, int count, char** arguments) {
  if (count < 2) return false;
  const std::string_view what = arguments[1];
  if (what == "__complete") {
    fmt::print("{}", strata::tool::complete(app, {arguments + 2, arguments + count}));
  } else if (what == "__manual" && count == 3) {
    strata::tool::write_manual(app, arguments[2]);
  } else {
    return false;
  }
  return true;
}

}  // namespace

// What escapes from here is a fault of the program itself: let it end loudly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int count, char** arguments) {
  CLI::App app("See a program's heap, and compare ways to keep one.", "strata");
  app.formatter(strata::tool::help_formatter());
  app.require_subcommand(1);
  app.set_version_flag("--version", "strata " STRATA_VERSION);

  strata::tool::Context context;
  char** const end = arguments + count;
  char** const dashes =
      std::find_if(arguments, end, [](const char* word) { return std::string_view(word) == "--"; });
  if (dashes != end) context.program.assign(dashes + 1, end);
  for (auto* register_command :
       {strata::tool::register_run, strata::tool::register_stat, strata::tool::register_top,
        strata::tool::register_map, strata::tool::register_doctor,
#ifdef STRATA_HAS_PROFILE
        strata::tool::register_profile, strata::tool::register_report,
#endif
#ifdef STRATA_HAS_TRACES
        strata::tool::register_record, strata::tool::register_trace, strata::tool::register_replay,
        strata::tool::register_compare,
#endif
        strata::tool::register_lab}) {
    register_command(app, context);
  }

  for (auto* register_command : {strata::tool::register_config, strata::tool::register_explain,
                                 strata::tool::register_completion}) {
    register_command(app, context);
  }

  try {
    if (answers_machines(app, count, arguments)) return 0;
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    // 0 for --help and --version, 2 for a command line that cannot be understood.
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "strata: error: {}\n", error.what());
    return 1;
  }
  return context.exit_code;
}
