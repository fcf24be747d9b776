// strata replay: a trace under several allocators.
#include "commands/comparing.hpp"

namespace strata::tool {

void register_replay(CLI::App& app, Context& context) {
  auto options = std::make_shared<ComparingOptions>();
  auto trace = std::make_shared<std::string>();
  CLI::App* const replay = app.add_subcommand("replay", "Play a trace under several allocators");
  replay->footer(R"(Plays the calls of a program that `strata record` wrote down, each time in a new
process under another allocator: the same threads, in the same order, without
the program's own work. So it shows what the calls cost and what stays resident.

  strata replay strata.trace                              all that are installed
  strata replay strata.trace --with strata,./liballoc.so  these two
  strata replay strata.trace --set dirty_limit=1MiB --set purge_delay=5s
  strata replay gcc.trace --process cc1plus --html page.html

calls   processor time of the calls and of touching new memory
peak, mean, end   resident memory; "asked for" is what the program wanted)");
  replay->add_option("TRACE", *trace, "Made by strata record")
      ->required()
      ->check(CLI::ExistingFile);
  add_comparing_options(*replay, *options);
  replay->callback(
      [=, &context] { context.exit_code = report({replay_trace(*trace, *options)}, *options); });
}

}  // namespace strata::tool
