// strata report: everything that is known of a process's or a program's memory, as one page.
#include <fmt/format.h>

#include <fstream>

#include "command.hpp"
#include "commands/comparing.hpp"
#include "observe/findings.hpp"
#include "observe/profiler.hpp"
#include "observe/run_report.hpp"
#include "observe/trouble.hpp"
#include "observe/under_strata.hpp"
#include "observe/words.hpp"
#include "profile/attached.hpp"
#include "profile/session.hpp"
#include "report/from_trace.hpp"
#include "report/page.hpp"
#include "report/recordings.hpp"

namespace strata::tool {
namespace {

struct Options {
  std::vector<std::string> words;
  std::vector<std::string> settings;
  std::string output = "strata-report.html";
  std::string process;  // of a trace
  std::string touch = "page";
  std::string pace = "full";
};

bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

// What an account says, on the page.
void add_account(Json& document, const Account& account, const Surroundings& around,
                 const SlabBlocks& blocks) {
  document["statistics"] = statistics_document(account);
  document["findings"] = findings_document(diagnose(account, around));
  document["map"] = map_document(account, blocks);
}

void report_process(const Options& o, pid_t number) {
  Process process(number);
  const Surroundings around = look_around(process, read_mappings(process));
  Json document = {{"title", fmt::format("{} (process {})", process.name(), number)}};
  document["facts"] = {process.command()};
  Conversation conversation(process);
  const Account account = take_account(conversation);
  document["facts"].push_back(fmt::format("Observed for {}, {} threads, Strata {}.",
                                          time_words(account.age), account.kernel_threads,
                                          account.release));
  add_account(document, account, around,
              read_blocks(conversation, account, most_slots_with_blocks));
  AttachedProfile profile(process);
  if (profile.is_on()) {
    const HeapProfile taken = profile.take();
    document["profile"] = profile_document(taken, View::live);
    document["sampled"] = sampled_document(taken, std::uint32_t(number));
  } else {
    document["facts"].push_back(
        fmt::format("No call sites: `strata profile --on {}` begins to look at them.", number));
  }
  write_report(o.output, document);
}

int report_program(const Options& o) {
  UnderStrata how = under_strata(o.words[0], "", o.settings);
  if (!how.obstacle.empty()) throw Trouble("{}: there is nothing to report", how.obstacle);
  Monitor monitor;
  monitor.want_accounts();
  monitor.want_blocks();
  how.environment.push_back(monitor.environment());
  RunFacts facts;
  facts.command = o.words;
  ProfileRun run = profile_program(o.words, how.environment, observe::profiler::default_mean, true,
                                   [&](pid_t process) { return monitor.look(process); });
  monitor.finish();
  facts.outcome = run.outcome;
  Json document = {{"title", o.words[0]}};
  document["facts"] = {run.profile.command,
                       fmt::format("Ran for {}, ended with {}.",
                                   time_words(run.outcome.milliseconds), words_of(run.outcome))};
  const Json whole = run_document(facts, monitor);
  document["samples"] = whole["samples"];
  if (monitor.account_at_peak()) {
    document["facts"].push_back(fmt::format(
        "What stands below is of the moment when most was resident, {} after the start.",
        time_words(monitor.peak().time)));
    add_account(document, *monitor.account_at_peak(), monitor.surroundings_at_peak(),
                monitor.blocks_at_peak());
    document["sampled"] =
        sampled_document(run.profile, std::uint32_t(monitor.account_at_peak()->process));
  }
  if (!run.profile.processes.empty()) {
    document["profile"] = profile_document(run.profile, View::peak);
  }
  write_report(o.output, document);
  return end_like(run.outcome);
}

#ifdef STRATA_HAS_TRACES
Json report_of_trace(const Options& o, const std::string& path) {
  TraceReport how;
  how.process = o.process;
  how.strata = replay::find_allocator("strata");
  if (!o.settings.empty())
    how.strata = replay::strata_with(fmt::format("{}", fmt::join(o.settings, ",")));
  how.settings.touch = o.touch;
  how.settings.pace = pace_of(o.pace);
  return document_of_trace(path, how);
}
#else
Json report_of_trace(const Options&, const std::string& path) {
  throw Trouble("{}: this strata was built without traces (libzstd was missing)", path);
}
#endif

Json document_of(const Options& o, const std::string& path) {
  switch (kind_of(path)) {
    case Recording::trace:
      return report_of_trace(o, path);
    case Recording::profile:
      return document_of_profile(path);
    case Recording::run:
      return document_of_run(path);
    case Recording::none:
      break;
  }
  if (!std::ifstream(path)) throw Trouble("cannot read {}", path);
  throw Trouble("{} is no recording: neither a trace, nor a profile, nor of `strata run --json`",
                path);
}

void report_recordings(const Options& o) {
  std::vector<Json> documents;
  for (const std::string& path : o.words) documents.push_back(document_of(o, path));
  write_report(o.output, document_of_all(documents, o.words));
}

// A file that is named as recordings are, and is not there, was meant as one.
bool is_recording(const std::string& word) {
  if (kind_of(word) != Recording::none) return true;
  return word.ends_with(".json") || word.ends_with(".trace") || word.ends_with(".pb.gz");
}

}  // namespace

void register_report(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* report =
      app.add_subcommand("report", "Everything about a program's memory, as one page to look at");
  report->add_option(
      "PID|RECORDING|PROGRAM", o->words,
      "A process, recordings (a trace, a profile, what `strata run --json` wrote), or "
      "a program and its arguments");
  report->positionals_at_end();
  report->add_option("-o,--output", o->output, "The page")->capture_default_str();
  report
      ->add_option("--set", o->settings, "OPTION=VALUE for the program that is run, or the replay")
      ->allow_extra_args(false);
  report
      ->add_option("--process", o->process,
                   "Process of a trace: its name, its id, or #number. Without: the one with most "
                   "events")
      ->group("How a trace is replayed");
  report
      ->add_option("--touch", o->touch,
                   "What is written of a new block: its first byte, a byte of each page, all, none")
      ->check(CLI::IsMember({"none", "first", "page", "all"}))
      ->capture_default_str()
      ->group("How a trace is replayed");
  report
      ->add_option("--pace", o->pace,
                   "full: as fast as it goes; recorded: at the program's own pace, so that what "
                   "goes back after a time does; 10x: ten times that")
      ->capture_default_str()
      ->group("How a trace is replayed");
  report->footer(R"(strata report [-o PAGE.html] PID
strata report [-o PAGE.html] TRACE | PROFILE.pb.gz | RUN.json ...
strata report [-o PAGE.html] -- PROGRAM [ARGUMENTS...]

The page holds all it needs and can be sent on: where the resident memory is, what stands
out, live against resident over time, size classes, a map of the heap, and who allocates.
A trace is replayed under Strata; a profile named behind it adds who allocated.

  strata report 1234
  strata report -o job.html -- python3 job.py
  strata report -o job.html strata.trace heap.pb.gz)");
  report->callback([o, &context] {
    if (o->words.empty()) throw CLI::RequiredError("PID, RECORDING or PROGRAM");
    const std::string& first = o->words[0];
    if (o->words.size() == 1 && context.program.empty()) {
      if (is_number(first)) return report_process(*o, pid_t(std::stol(first)));
    }
    if (context.program.empty() && is_recording(first)) return report_recordings(*o);
    try {
      context.exit_code = report_program(*o);
    } catch (const CannotStart& error) {
      fmt::print(stderr, "strata: error: {}\n", error.what());
      context.exit_code = error.exit_code();
    }
  });
}

}  // namespace strata::tool
