// Property: of random programs with one error in them the error is found, by every mode that
// promises it; of programs without an error nothing is ever said.
//
//   misuse_test PLAYER LIBRARY MODE [MISSING]
//
// Idea. RapidCheck makes up a program (step.hpp): correct steps, one that errs, correct steps
// again. The player runs it under the library, and says what it did to which address. What the
// library said is compared with what the mode promises of that error (`promised`): the kind of the
// error and the address, in one report; and after a report, where the program shall go on, it goes
// on and nothing else is said. A program that shows a difference is shrunk to its shortest form.
//
// At the end each kind of error must have been made, so that the test cannot pass by making none.
// MISSING is a protection that the library was built without: then the test passes when errors of
// its kind, and no others, are missed.
//
// Memory that was freed stays (STRATA_DIRTY_LIMIT, STRATA_PURGE_DELAY): what was written into pages
// that have gone back is no more.
//
// RC_PARAMS="seed=... max_success=..." repeats or prolongs.
#include <fcntl.h>
#include <rapidcheck.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "misuse/step.hpp"

void showValue(const Step& step, std::ostream& out) {
  out << "\n  " << act_names[unsigned(step.act)] << " (thread " << step.by % thread_count << ", "
      << step.size << " bytes, block " << step.which << ")";
}

namespace {

std::string player;
std::string library;
std::string mode;

struct Outcome {
  int status = 0;
  std::string said;      // the player's words
  std::string reported;  // the library's
  bool made = false;     // an error
  Act act = Act::allocate;
  unsigned long address = 0;
  std::size_t size = 0;

  [[nodiscard]] bool ended_by(int signal) const {
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
  }
  [[nodiscard]] bool ended_well() const {
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
           said.find("whole\n") != std::string::npos && said.find("got\n") == std::string::npos;
  }
};

std::string text_of(int file) {
  std::string text(std::size_t(lseek(file, 0, SEEK_END)), 0);
  if (pread(file, text.data(), text.size(), 0) < 0) text.clear();
  return text;
}

Outcome run(const std::vector<Step>& program, bool goes_on) {
  std::array<int, 3> files = {};
  for (int& file : files) file = memfd_create("misuse", MFD_CLOEXEC);
  const auto bytes = program.size() * sizeof(Step);
  RC_ASSERT(write(files[0], program.data(), bytes) == ssize_t(bytes));
  lseek(files[0], 0, SEEK_SET);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3; ++i) posix_spawn_file_actions_adddup2(&actions, files[unsigned(i)], i);
  std::vector<std::string> settings = {
      "LD_PRELOAD=" + library,    "STRATA_MODE=" + mode,
      "STRATA_GUARD_SAMPLE=0",    "STRATA_DIRTY_LIMIT=1GiB",
      "STRATA_PURGE_DELAY=3600s", std::string("STRATA_ON_ERROR=") + (goes_on ? "report" : "abort")};
  std::vector<char*> environment;
  for (std::string& setting : settings) environment.push_back(setting.data());
  environment.push_back(nullptr);
  std::array<char*, 2> arguments = {player.data(), nullptr};
  pid_t child = 0;
  const int refused =
      posix_spawn(&child, player.c_str(), &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  RC_ASSERT(refused == 0);
  Outcome outcome;
  waitpid(child, &outcome.status, 0);
  outcome.said = text_of(files[1]);
  outcome.reported = text_of(files[2]);
  for (const int file : files) close(file);
  unsigned act = 0;
  outcome.made = std::sscanf(outcome.said.c_str(), "did %u %lx %zu", &act, &outcome.address,
                             &outcome.size) == 3;
  outcome.act = Act(act);
  return outcome;
}

// What the report's line must begin with; empty: the mode promises nothing.
struct Promise {
  std::vector<std::string> lines;
  bool may_fault = false;  // there and then, instead
};

std::string at(const char* error, unsigned long address) {
  std::ostringstream line;
  line << "strata: error: " << error << " 0x" << std::hex << address << " (";
  return line.str();
}

Promise promised(const Outcome& outcome) {
  const bool checked = mode != "default";
  const unsigned long address = outcome.address;
  switch (outcome.act) {
    // What a freed block's slab is by now may be another: then the pointer is just no block.
    case Act::free_again:
      return {{at("double free of", address), at("invalid free of", address)}};
    case Act::free_inside:
      return {{at("invalid free of", address)}};
    case Act::free_foreign:
      return {{at("invalid free of", address)}};
    case Act::resize_freed:
    case Act::size_of_freed:
    case Act::resize_inside:
      return {{at("invalid pointer", address)}};
    case Act::free_as_other:
      if (!checked) break;
      return {{at("mismatched free of", address)}};
    case Act::free_as_size:
      if (!checked) break;
      return {{at("wrong size for", address)}};
    case Act::write_behind:
      if (!checked) break;
      return {{at("overflow of", address)}, outcome.size > largest_cleared / 4};
    case Act::write_freed:
      if (!checked) break;
      if (outcome.size > largest_cleared) return {{}, true};
      return {{at("write after free to", address)}};
    case Act::read_large_freed:
      if (!checked) break;
      return {{}, true};
    default:
      break;
  }
  return {};
}

bool begins_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}
std::size_t errors_in(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("strata: error: ", at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

// What is different from what was promised; empty: nothing.
std::string trouble(const Outcome& outcome, bool goes_on) {
  if (!outcome.made) {
    if (!outcome.ended_well()) return "a correct program did not end well";
    return outcome.reported.empty() ? "" : "something was said of a correct program";
  }
  const Promise promise = promised(outcome);
  if (outcome.ended_by(SIGSEGV)) return promise.may_fault ? "" : "a fault instead of a report";
  if (promise.lines.empty()) return "nothing happened";
  const bool found =
      std::any_of(promise.lines.begin(), promise.lines.end(),
                  [&](const std::string& line) { return begins_with(outcome.reported, line); });
  if (!found) return outcome.reported.empty() ? "it was not found" : "another report came first";
  if (!goes_on) return outcome.ended_by(SIGABRT) ? "" : "it did not end by SIGABRT";
  if (!outcome.ended_well()) return "it did not go on well after the report";
  return errors_in(outcome.reported) == 1 ? "" : "more than one report";
}

std::vector<Act> errors_of_mode() {
  std::vector<Act> acts;
  for (unsigned act = unsigned(first_error); act < act_count; ++act) {
    Outcome outcome;
    outcome.act = Act(act);
    const Promise promise = promised(outcome);
    if (!promise.lines.empty() || promise.may_fault) acts.push_back(Act(act));
  }
  return acts;
}

// What a library without the protection misses.
Act missed_without(const std::string& protection) {
  if (protection == "canary") return Act::write_behind;
  if (protection == "check_on_reuse" || protection == "clearing") return Act::write_freed;
  if (protection == "families") return Act::free_as_other;
  return Act::allocate;
}

rc::Gen<Step> steps(rc::Gen<Act> acts) {
  const auto random = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
  return rc::gen::apply(
      [](Act act, std::uint8_t by, std::uint16_t which, std::uint64_t size) {
        // Large blocks are seldom asked for, and wanted more often here.
        const bool large = is_error(act) || which % 64 != 0;
        return Step{act, by, which,
                    large ? plausible_size(size) : std::uint32_t(size >> 20) % 400000};
      },
      acts, rc::gen::inRange<std::uint8_t>(0, thread_count),
      rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint16_t>()), random);
}

rc::Gen<std::vector<Step>> correct_steps() {
  const auto acts = rc::gen::weightedElement<Act>({{10, Act::allocate},
                                                   {4, Act::allocate_zeroed},
                                                   {3, Act::allocate_aligned},
                                                   {4, Act::allocate_by_new},
                                                   {4, Act::allocate_array_by_new},
                                                   {6, Act::resize},
                                                   {16, Act::release},
                                                   {1, Act::trim}});
  return rc::gen::scale(5, rc::gen::container<std::vector<Step>>(steps(acts)));
}

void drop_trims(std::vector<Step>& program) {
  const auto is_trim = [](const Step& step) { return step.act == Act::trim; };
  program.erase(std::remove_if(program.begin(), program.end(), is_trim), program.end());
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::cerr << "usage: misuse_test PLAYER LIBRARY default|hardened|diagnose [MISSING]\n";
    return 2;
  }
  player = arguments[1];
  library = arguments[2];
  mode = arguments[3];
  const std::string missing = count > 4 ? arguments[4] : "";

  std::map<Act, unsigned> made;
  std::map<Act, unsigned> missed;
  const auto check = [&](const std::vector<Step>& program, bool goes_on) {
    const Outcome outcome = run(program, goes_on);
    if (outcome.made) ++made[outcome.act];
    const std::string different = trouble(outcome, goes_on);
    if (different.empty()) return;
    if (!missing.empty() && outcome.made && outcome.act == missed_without(missing)) {
      ++missed[outcome.act];
      return;
    }
    RC_LOG() << different << "\nended with status " << outcome.status << "\nsaid: " << outcome.said
             << "\nreported: " << outcome.reported;
    RC_FAIL("the promise was not kept");
  };
  bool good = rc::check("a correct program is left alone", [&] { check(*correct_steps(), false); });
  const std::vector<Act> errors = errors_of_mode();
  for (const Act error : errors) {
    good &= rc::check(std::string("found: ") + act_names[unsigned(error)], [&] {
      std::vector<Step> program;
      if (error == Act::read_large_freed) {
        const auto more = *rc::gen::inRange<std::uint32_t>(1, 1000000);
        program = {{Act::allocate, 0, 0, std::uint32_t(largest_cleared) + more},
                   {Act::release, 1, 0, 1}};
      }
      for (const bool before : {true, false}) {
        const std::vector<Step> correct = *correct_steps();
        program.insert(program.end(), correct.begin(), correct.end());
        if (before) program.push_back(*steps(rc::gen::just(error)));
      }
      // What goes back to the system is not looked at.
      if (error == Act::write_freed) drop_trims(program);
      check(program, *rc::gen::arbitrary<bool>());
    });
    std::cerr << act_names[unsigned(error)] << ": made " << made[error] << " times\n";
    if (made[error] == 0) good = false;
  }
  if (!missing.empty() && missed.empty()) {
    std::cerr << "nothing was missed without " << missing << "\n";
    good = false;
  }
  return good ? 0 : 1;
}
