// What `strata replay` and `strata compare` share.
#include "commands/comparing.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "replay/live.hpp"
#include "replay/page.hpp"
#include "replay/report.hpp"
#include "replay/run.hpp"

namespace strata::tool {
namespace {

// A line on the terminal that is written over.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet) : shown_(!quiet && isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (shown_) fmt::print(stderr, "\r{:78}\r", "");
  }
  void show(const std::string& what, double done) const {
    if (!shown_) return;
    fmt::print(stderr, "\r{:3.0f}% {:70.70}", done * 100, what);
    std::fflush(stderr);
  }

 private:
  bool shown_;
};

void write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path);
  file << content;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace

double pace_of(const std::string& text) {
  if (text == "full") return 0;
  if (text == "recorded") return 1;
  std::size_t end = 0;
  double factor = 0;
  try {
    factor = std::stod(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  if (end == 0 || factor <= 0 || (text.substr(end) != "x" && !text.substr(end).empty())) {
    throw std::runtime_error("--pace is full, recorded, or a factor such as 10x, not '" + text +
                             "'");
  }
  return factor;
}

void add_comparing_options(CLI::App& command, ComparingOptions& options) {
  command
      .add_option("--with", options.with,
                  "Allocators, with commas: strata, system, jemalloc, mimalloc, tcmalloc, or the "
                  "path of a library; @VARIABLE=value behind one sets its environment. Without "
                  "--with and --set: all that are installed")
      ->delimiter(',')
      ->group("What to compare");
  command
      .add_option(
          "--set", options.sets,
          "Strata with options, such as dirty_limit=1MiB,worker=off; each --set is one more "
          "candidate")
      ->group("What to compare");
  command.add_option("--rounds", options.settings.rounds, "Times that each is run, in turns")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str()
      ->group("How");
  command
      .add_option("--json", options.json, "Write the figures as JSON to a file, or to - (stdout)")
      ->group("Report");
  command.add_option("--html", options.html, "Write a page with curves and bars")->group("Report");
  command.add_flag("-q,--quiet", options.quiet, "No progress on the terminal")->group("Report");
  command
      .add_option("--process", options.process,
                  "Process of a trace: its name, its id, or #number. Without: the one with most "
                  "events")
      ->group("How a trace is replayed");
  command
      .add_option("--touch", options.settings.touch,
                  "What is written of a new block: its first byte, a byte of each page, all, none")
      ->check(CLI::IsMember({"none", "first", "page", "all"}))
      ->capture_default_str()
      ->group("How a trace is replayed");
  command
      .add_option("--pace", options.pace,
                  "full: as fast as it goes; recorded: at the program's own pace, so that what "
                  "allocators do after a time happens as it would; 10x: ten times that")
      ->capture_default_str()
      ->group("How a trace is replayed");
}

std::vector<replay::Allocator> chosen_allocators(const ComparingOptions& options) {
  std::vector<replay::Allocator> allocators;
  if (options.with.empty() && options.sets.empty()) return replay::installed_allocators();
  if (options.with.empty()) allocators.push_back(replay::find_allocator("strata"));
  for (const std::string& text : options.with) allocators.push_back(replay::find_allocator(text));
  for (const std::string& text : options.sets) allocators.push_back(replay::strata_with(text));
  return allocators;
}

replay::Comparison replay_trace(const std::string& path, const ComparingOptions& options) {
  const trace::TraceFile trace(path);
  const trace::ProcessInTrace* process = trace.largest();
  if (!options.process.empty()) process = &trace.find(options.process);
  if (process == nullptr) throw trace::TraceError(path + ": no events in it");
  replay::Settings settings = options.settings;
  settings.pace = pace_of(options.pace);
  const std::vector<replay::Allocator> allocators = chosen_allocators(options);
  const ProgressLine progress(options.quiet);
  const replay::Plan plan = replay::build_plan(
      trace, *process, [&](double done) { progress.show("reading the trace", done); });
  replay::check_room(plan.figures, settings.touch);
  replay::Comparison comparison =
      replay::replay(plan, allocators, settings,
                     [&](const std::string& what, double done) { progress.show(what, done); });
  comparison.source = path;
  comparison.program = process->name();
  comparison.command = process->command_line();
  comparison.trace.cut_off = trace.cut_off();
  return comparison;
}

replay::Comparison run_program(const std::vector<std::string>& command,
                               const ComparingOptions& options) {
  const ProgressLine progress(options.quiet);
  return replay::run_live(command, chosen_allocators(options), options.settings,
                          [&](const std::string& what, double done) { progress.show(what, done); });
}

int report(const std::vector<replay::Comparison>& comparisons, const ComparingOptions& options) {
  const bool to_stdout = options.json == "-";
  if (!to_stdout) {
    for (const replay::Comparison& comparison : comparisons) {
      fmt::print("{}\n", replay::heading(comparison));
      fmt::print("{}\n", replay::table(comparison));
      for (const std::string& sentence : replay::words(comparison)) {
        fmt::print("{}", replay::wrapped(sentence));
      }
      fmt::print("\n");
    }
    if (comparisons.size() > 1) {
      fmt::print("{}", replay::over_all_table(replay::over_all(comparisons)));
    }
  }
  if (to_stdout) fmt::print("{}\n", replay::to_json(comparisons));
  if (!options.json.empty() && !to_stdout) write_file(options.json, replay::to_json(comparisons));
  if (!options.html.empty()) write_file(options.html, replay::html(comparisons));
  for (const std::string& path : {options.json, options.html}) {
    if (!path.empty() && path != "-" && !options.quiet)
      fmt::print(stderr, "strata: wrote {}\n", path);
  }
  for (const replay::Comparison& comparison : comparisons) {
    for (const replay::Row& row : comparison.rows) {
      if (!row.problem.empty()) return 1;
    }
  }
  return 0;
}

}  // namespace strata::tool
