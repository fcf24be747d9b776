// strata report: everything that is known of a process's or a program's memory, as one page.
#include <fmt/core.h>

#include <fstream>

#include "command.hpp"
#include "observe/findings.hpp"
#include "observe/profiler.hpp"
#include "observe/run_report.hpp"
#include "observe/trouble.hpp"
#include "observe/under_strata.hpp"
#include "observe/words.hpp"
#include "profile/attached.hpp"
#include "profile/session.hpp"
#include "report/page.hpp"

namespace strata::tool {
namespace {

struct Options {
  std::vector<std::string> words;
  std::vector<std::string> settings;
  std::string output = "strata-report.html";
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

void report_recording(const Options& o, const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Trouble("cannot read {}", path);
  const Json run = Json::parse(file, nullptr, false);
  if (run.is_discarded() || !run.contains("samples") || !run.contains("program")) {
    throw Trouble("{} is not what `strata run --json` writes", path);
  }
  std::string command;
  for (const Json& word : run["program"]) command += word.get<std::string>() + " ";
  Json document = {{"title", run["program"][0]}, {"samples", run["samples"]}};
  document["facts"] = {command};
  if (run.contains("at_peak")) document["statistics"] = run["at_peak"];
  write_report(o.output, document);
}

}  // namespace

void register_report(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* report =
      app.add_subcommand("report", "Everything about a program's memory, as one page to look at");
  report->add_option("PID|RUN.json|PROGRAM", o->words,
                     "A process, what `strata run --json` wrote, or a program and its arguments");
  report->positionals_at_end();
  report->add_option("-o,--output", o->output, "The page")->capture_default_str();
  report->add_option("--set", o->settings, "OPTION=VALUE for the program that is run")
      ->allow_extra_args(false);
  report->footer(R"(strata report [-o PAGE.html] PID
strata report [-o PAGE.html] RUN.json
strata report [-o PAGE.html] -- PROGRAM [ARGUMENTS...]

The page holds all it needs and can be sent on: where the resident memory is, what stands
out, live against resident over time, size classes, a map of the heap, and who allocates.

  strata report 1234
  strata report -o job.html -- python3 job.py)");
  report->callback([o, &context] {
    if (o->words.empty()) throw CLI::RequiredError("PID, RUN.json or PROGRAM");
    const std::string& first = o->words[0];
    if (o->words.size() == 1 && context.program.empty()) {
      if (is_number(first)) return report_process(*o, pid_t(std::stol(first)));
      if (first.ends_with(".json")) return report_recording(*o, first);
    }
    try {
      context.exit_code = report_program(*o);
    } catch (const CannotStart& error) {
      fmt::print(stderr, "strata: error: {}\n", error.what());
      context.exit_code = error.exit_code();
    }
  });
}

}  // namespace strata::tool
