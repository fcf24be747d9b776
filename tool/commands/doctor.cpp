// strata doctor: why a process's memory is as it is, in words.
#include <fmt/core.h>

#include <algorithm>

#include "command.hpp"
#include "observe/findings.hpp"
#include "observe/run_report.hpp"
#include "observe/trouble.hpp"
#include "observe/under_strata.hpp"
#include "observe/words.hpp"

namespace strata::tool {
namespace {

struct Options {
  std::vector<std::string> words;
  std::vector<std::string> settings;
  bool json = false;
};

void show(const Options& o, const Account& account, const std::vector<Finding>& findings) {
  if (o.json) {
    Json document = {{"findings", findings_document(findings)}};
    document["statistics"] = statistics_document(account);
    print_document(document);
    return;
  }
  fmt::print("{} (process {}): {} resident", account.command, account.process,
             size_words(double(account.total())));
  if (account.live_bytes() != 0) fmt::print(", {} live", size_words(double(account.live_bytes())));
  fmt::print("\n\n{}", findings_text(findings));
}

void examine_process(const Options& o, pid_t number) {
  Process process(number);
  const Surroundings around = look_around(process, read_mappings(process));
  const std::string why = why_not_observed(process);
  if (!why.empty()) {
    const Account account = take_account_from_outside(process);
    // The sentence ends where the remedy begins.
    return show(o, account,
                diagnose_from_outside(account, around, why.substr(0, why.find(':')) + "."));
  }
  Conversation conversation(process);
  const Account account = take_account(conversation);
  show(o, account, diagnose(account, around));
}

// Runs it, and looks at the largest of its processes when most is resident.
int examine_program(const Options& o) {
  UnderStrata how = under_strata(o.words[0], "", o.settings);
  if (!how.obstacle.empty()) {
    const std::vector<Finding> findings = {
        {"not_served", 0, "Strata cannot serve this program: " + how.obstacle + ".", "",
         "Link it with libstrata.a, or use a build of it that is dynamic and has no malloc of its "
         "own."}};
    if (o.json) {
      print_document({{"findings", findings_document(findings)}});
    } else {
      fmt::print("{}", findings_text(findings));
    }
    return 0;
  }
  Monitor monitor;
  monitor.want_accounts();
  how.environment.push_back(monitor.environment());
  Launch program(o.words, how.environment);
  const Outcome outcome =
      program.wait([&]() -> unsigned { return monitor.look(program.process()); });
  monitor.finish();
  if (!monitor.account_at_peak()) {
    throw Trouble("{} ended before it could be looked at ({})", o.words[0], words_of(outcome));
  }
  const Account& account = *monitor.account_at_peak();
  std::vector<Finding> findings = diagnose(account, monitor.surroundings_at_peak());
  for (const Member& member : monitor.members()) {
    if (member.last_words.empty()) continue;
    findings.insert(
        findings.begin(),
        {"error", 0, fmt::format("Process {} was aborted.", member.process), member.last_words,
         "Correct the error: what it did to its memory is unknown."});
  }
  if (!o.json) {
    fmt::print("When most was resident, {} after the start:\n", time_words(monitor.peak().time));
  }
  show(o, account, findings);
  return 0;
}

bool is_number(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char letter) {
    return letter >= '0' && letter <= '9';
  });
}

}  // namespace

void register_doctor(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* doctor =
      app.add_subcommand("doctor", "Why a process's memory is as it is, and what to do about it");
  doctor->footer(R"(strata doctor [--json] PID
strata doctor [--json] [--] PROGRAM [ARGUMENTS...]

Looks at a running process, or runs a program and looks at it when most is resident.
Says what stands out, the gravest first, each with its figure and what to do:

  strata doctor 1234
  strata doctor -- python3 job.py)");
  doctor->add_option("PID|PROGRAM", o->words, "A process, or a program and its arguments");
  doctor->positionals_at_end();
  doctor->add_flag("--json", o->json, "Findings and statistics as JSON");
  doctor->add_option("--set", o->settings, "OPTION=VALUE for the program that is run")
      ->expected(1)
      ->take_all();
  doctor->callback([o, &context] {
    if (o->words.empty()) throw CLI::RequiredError("PID or PROGRAM");
    if (o->words.size() == 1 && is_number(o->words[0])) {
      examine_process(*o, pid_t(std::stol(o->words[0])));
      return;
    }
    try {
      context.exit_code = examine_program(*o);
    } catch (const CannotStart& error) {
      fmt::print(stderr, "strata: error: {}\n", error.what());
      context.exit_code = error.exit_code();
    }
  });
}

}  // namespace strata::tool
