// strata compare: traces, earlier results and the program itself, side by side.
#include <fstream>

#include "commands/comparing.hpp"
#include "replay/report.hpp"
#include "trace/reader.hpp"

namespace strata::tool {
namespace {

void add_source(const std::string& path, const ComparingOptions& options,
                std::vector<replay::Comparison>& comparisons) {
  if (trace::TraceFile::is_one(path)) {
    comparisons.push_back(replay_trace(path, options));
    return;
  }
  std::ifstream file(path);
  char first = 0;
  if (!(file >> first) || first != '{') {
    throw std::runtime_error(path + " is neither a trace nor a result (--json) of strata");
  }
  for (replay::Comparison& one : replay::from_json(path)) comparisons.push_back(std::move(one));
}

}  // namespace

void register_compare(CLI::App& app, Context& context) {
  auto options = std::make_shared<ComparingOptions>();
  auto sources = std::make_shared<std::vector<std::string>>();
  CLI::App* const compare =
      app.add_subcommand("compare", "Which allocator, which options, for a program of yours");
  compare->footer(
      R"(Puts programs side by side, each under several allocators, and says in words which
one to take. A program comes as a trace (replayed now), as a result of an
earlier comparison, or live: run several times under each allocator.

  strata compare -- ./server --selftest            the program itself, live
  strata compare --rounds 9 -- python3 job.py
  strata compare day.trace night.trace             two recordings
  strata compare day.trace --set dirty_limit=64MiB --json day.json
  strata compare day.json night.json --html all.html  earlier results together)");
  compare->add_option("SOURCE", *sources, "Traces, and results written with --json");
  add_comparing_options(*compare, *options);
  compare->callback([=, &context] {
    const std::vector<std::string>& program = context.program;
    sources->resize(sources->size() - program.size());
    if (sources->empty() && program.empty()) {
      throw std::runtime_error("nothing to compare: name a trace, a result, or -- PROGRAM");
    }
    std::vector<replay::Comparison> comparisons;
    for (const std::string& path : *sources) add_source(path, *options, comparisons);
    if (!program.empty()) comparisons.push_back(run_program(program, *options));
    context.exit_code = report(comparisons, *options);
  });
}

}  // namespace strata::tool
