// strata stat: where the memory of a running process is, in parts that sum to its RSS.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "command.hpp"
#include "observe/documents.hpp"
#include "observe/words.hpp"

namespace strata::tool {
namespace {

struct Options {
  int process = 0;
  bool json = false;
  double watch = 0;
  bool watched = false;
  unsigned count = 0;
};

void print_parts(const Account& account) {
  fmt::print("resident {}; the kernel counts {}\n", size_words(double(account.total())),
             size_words(double(account.resident_by_kernel)));
  for (unsigned i = 0; i < part_count; ++i) {
    const auto part = Part(i);
    const auto bytes = double(account.parts[part]);
    if (bytes == 0) continue;
    if (part == first_outside) fmt::print("  outside Strata\n");
    fmt::print("  {:<17} {:>10} {:>5}  {}\n", name_of(part).title, size_words(bytes),
               share_words(bytes, double(account.total())),
               bar(bytes, double(account.total()), 40));
  }
}

void print_classes(const Account& account) {
  std::vector<ClassShare> shown;
  for (const ClassShare& share : account.classes) {
    if (share.slabs != 0) shown.push_back(share);
  }
  constexpr size_t most = 12;
  std::sort(shown.begin(), shown.end(),
            [](const ClassShare& a, const ClassShare& b) { return a.resident > b.resident; });
  const size_t left_out = shown.size() > most ? shown.size() - most : 0;
  shown.resize(shown.size() - left_out);
  if (shown.empty()) return;
  fmt::print("\n{:>8} {:>12} {:>10} {:>10} {:>10} {:>8}\n", "class", "live blocks", "live",
             "resident", "free", "slabs");
  for (const ClassShare& share : shown) {
    fmt::print("{:>8} {:>12} {:>10} {:>10} {:>10} {:>8}\n", share.size, count_words(share.live),
               size_words(double(share.live * share.size)), size_words(double(share.resident)),
               size_words(double(share.resident - share.live_resident)), share.slabs);
  }
  if (left_out != 0) fmt::print("{:>8} more with less (--json has all)\n", left_out);
}

void print_threads(const Account& account) {
  std::vector<ThreadShare> shown = account.threads;
  constexpr size_t most = 8;
  std::sort(shown.begin(), shown.end(), [](const ThreadShare& a, const ThreadShare& b) {
    return a.cached_bytes + a.live_bytes > b.cached_bytes + b.live_bytes;
  });
  const size_t left_out = shown.size() > most ? shown.size() - most : 0;
  shown.resize(shown.size() - left_out);
  fmt::print("\n{:>8} {:<16} {:>10} {:>10} {:>8} {:>10} {:>14}\n", "thread", "name", "live",
             "cached", "slabs", "stack", "large blocks");
  for (const ThreadShare& share : shown) {
    fmt::print("{:>8} {} {:>10} {:>10} {:>8} {:>10} {:>14}\n", share.number, fitted(share.name, 16),
               size_words(double(share.live_bytes)), size_words(double(share.cached_bytes)),
               share.slabs, size_words(double(share.stack_bytes)), count_words(share.large_blocks));
  }
  if (left_out != 0) fmt::print("{:>8} more with less (--json has all)\n", left_out);
}

void print_statistics(const Account& account) {
  const observe::Totals& totals = account.view.totals;
  fmt::print("{} (process {}), Strata {}, observed for {}\n\n", account.command, account.process,
             account.release, time_words(account.age));
  print_parts(account);
  fmt::print("\nlive {} in blocks: small {}, large {} in {}, huge {} in {}\n",
             size_words(double(account.live_bytes())), size_words(double(totals.small_live_bytes)),
             size_words(double(totals.large_bytes)), count_words(totals.large_blocks),
             size_words(double(totals.huge_bytes)), count_words(totals.huge_blocks));
  fmt::print("purged {} of free slots in {} calls, {} of pages inside slabs; {} may wait for {}\n",
             size_words(double(totals.purged_bytes)), count_words(totals.purges),
             size_words(double(totals.thinned_bytes)),
             size_words(double(account.view.settings.dirty_limit_now)),
             time_words(account.view.settings.purge_delay));
  if (account.peak_resident != 0) {
    fmt::print("peak {}, swapped {}\n", size_words(double(account.peak_resident)),
               size_words(double(account.swapped)));
  }
  print_classes(account);
  print_threads(account);
}

int run_stat(const Options& o) {
  Process process(o.process);
  Conversation conversation(process);
  for (unsigned i = 0;; ++i) {
    const Account account = take_account(conversation);
    if (o.json) {
      // With --watch: a document a line, for programs to read as they come.
      if (o.watched) {
        fmt::print("{}\n", statistics_document(account).dump(-1, ' ', false,
                                                             Json::error_handler_t::replace));
      } else {
        print_document(statistics_document(account));
      }
    } else {
      if (o.watched && ::isatty(STDOUT_FILENO) != 0) fmt::print("\x1b[H\x1b[2J");
      print_statistics(account);
      if (o.watched && ::isatty(STDOUT_FILENO) == 0) fmt::print("\n");
    }
    std::fflush(stdout);
    if (!o.watched || (o.count != 0 && i + 1 == o.count)) return 0;
    std::this_thread::sleep_for(std::chrono::duration<double>(o.watch));
  }
}

}  // namespace

void register_stat(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* stat =
      app.add_subcommand("stat", "Where a process's memory is, in parts that sum to its RSS");
  stat->add_option("PID", o->process,
                   "The process: one that runs by `strata run`, or with STRATA_OBSERVE=on")
      ->required()
      ->check(CLI::PositiveNumber);
  stat->add_flag("--json", o->json, "Everything as JSON; docs/reference/statistics.md explains it");
  auto* const watch =
      stat->add_option("--watch", o->watch, "Again and again, every so many seconds (1)")
          ->expected(0, 1)
          ->default_str("1")
          ->check(CLI::Range(0.01, 86400.0));
  stat->add_option("--count", o->count, "With --watch: so many times")->needs(watch);
  stat->callback([o, watch, &context] {
    o->watched = watch->count() != 0;
    if (o->watched && o->watch == 0) o->watch = 1;
    context.exit_code = run_stat(*o);
  });
}

}  // namespace strata::tool
