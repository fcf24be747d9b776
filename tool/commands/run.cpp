// strata run: a program under Strata, and what became of its memory.
#include <fmt/core.h>

#include <fstream>

#include "command.hpp"
#include "observe/run_page.hpp"
#include "observe/run_report.hpp"
#include "observe/trouble.hpp"
#include "observe/under_strata.hpp"

namespace strata::tool {
namespace {

struct Options {
  std::vector<std::string> command;
  std::vector<std::string> settings;
  std::string mode;
  std::string library;
  std::string json;
  std::string html;
  double interval = 0;
  bool quiet = false;
};

std::uint64_t own_peak() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::uint64_t(usage.ru_maxrss) * 1024;
}

// The run's exit code stays the program's, also when nothing could be written.
void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) fmt::print(stderr, "strata: error: cannot write {}\n", path);
}

int run_program(const Options& o) {
  std::vector<std::string> settings = o.settings;
  if (!o.mode.empty()) settings.push_back("mode=" + o.mode);
  UnderStrata how = under_strata(o.command[0], o.library, settings);
  if (!how.obstacle.empty()) {
    fmt::print(stderr, "strata: warning: {}: it runs with the malloc it has\n", how.obstacle);
  }
  Monitor monitor;
  if (!o.json.empty() || !o.html.empty()) monitor.want_accounts();
  how.environment.push_back(monitor.environment());

  RunFacts facts;
  facts.command = o.command;
  facts.obstacle = how.obstacle;
  facts.own_peak = own_peak();
  Launch program(o.command, how.environment);
  const auto interval = std::uint64_t(o.interval * 1000);
  std::uint64_t next_line = interval;
  facts.outcome = program.wait([&]() -> unsigned {
    unsigned pause = monitor.look(program.process());
    if (interval == 0) return pause;
    const std::uint64_t now = monitor.samples().back().time;
    if (now >= next_line) {
      fmt::print(stderr, "{}", interval_line(monitor));
      next_line = now - now % interval + interval;
    }
    return unsigned(std::min<std::uint64_t>(pause, next_line - now));
  });
  monitor.finish();

  if (!o.quiet) {
    for (const std::string& line : run_summary(facts, monitor)) fmt::print(stderr, "{}", line);
  }
  if (!o.json.empty()) {
    write_file(
        o.json,
        run_document(facts, monitor).dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
  }
  if (!o.html.empty()) write_file(o.html, run_page(run_document(facts, monitor)));
  return end_like(facts.outcome);
}

}  // namespace

void register_run(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* run =
      app.add_subcommand("run", "Run a program under Strata, and say what its memory did");
  run->add_option("PROGRAM", o->command, "The program and its arguments");
  run->positionals_at_end();  // the first word that is no option of ours begins the program
  run->footer(R"(strata run [OPTIONS] [--] PROGRAM [ARGUMENTS...]

The program's output, signals and exit code are its own; ten lines about its memory
follow on the standard error.

  strata run -- python3 job.py
  strata run --set dirty_limit=64MiB --stats-interval 1 -- ./server
  strata run --html run.html -- python3 job.py
  strata run --json run.json -- g++ -c big.cpp    every figure, for programs to read)");
  run->add_option("--mode", o->mode, "How careful the heap is; the same as --set mode=MODE");
  run->add_option("--set", o->settings,
                  "OPTION=VALUE of the library, as often as wanted; `strata config` lists them")
      ->expected(1)
      ->take_all();
  run->add_option("--stats-interval", o->interval, "A line of statistics every so many seconds")
      ->check(CLI::Range(0.01, 86400.0));
  run->add_option("--json", o->json, "Write everything that is known of the run to this file");
  run->add_option("--html", o->html, "Write the run as a page to this file: curves, parts, sizes");
  run->add_option("--library", o->library, "Another libstrata.so than the one beside the command");
  run->add_flag("--quiet", o->quiet, "No summary");
  run->callback([o, &context] {
    if (o->command.empty()) throw CLI::RequiredError("PROGRAM");
    try {
      context.exit_code = run_program(*o);
    } catch (const CannotStart& error) {
      fmt::print(stderr, "strata: error: {}\n", error.what());
      context.exit_code = error.exit_code();
    }
  });
}

}  // namespace strata::tool
