// strata profile: who allocates, and who holds what is live.
#include <fmt/core.h>

#include <unistd.h>

#include <csignal>
#include <fstream>

#include "command.hpp"
#include "heap/sample.hpp"
#include "observe/profiler.hpp"
#include "observe/trouble.hpp"
#include "observe/under_strata.hpp"
#include "observe/words.hpp"
#include "profile/attached.hpp"
#include "profile/pprof.hpp"
#include "profile/session.hpp"
#include "profile/text.hpp"
#include "report/page.hpp"

namespace strata::tool {
namespace {

struct Options {
  std::vector<std::string> command;
  std::vector<std::string> settings;
  std::vector<std::string> outputs;
  std::string library;
  std::uint64_t mean = observe::profiler::default_mean;
  unsigned top = 10;
  bool peak = false;
  bool live = false;
  bool allocated = false;
  bool held = false;
  bool on = false;
  bool off = false;
  bool quiet = false;
  double seconds = 10;

  [[nodiscard]] View view(View when_none_is_named) const {
    if (allocated) return View::allocated;
    if (held) return View::held;
    if (peak) return View::peak;
    return live ? View::live : when_none_is_named;
  }
};

bool ends_with_one_of(const std::string& path, std::initializer_list<const char*> endings) {
  for (const char* ending : endings) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

void write_output(const std::string& path, const HeapProfile& profile, View view) {
  std::string bytes;
  if (ends_with_one_of(path, {".html", ".htm"})) {
    Json document = {{"title", profile.command}, {"facts", Json::array()}};
    document["profile"] = profile_document(profile, view);
    bytes = report_page(document);
  } else if (ends_with_one_of(path, {".folded", ".collapsed", ".txt"})) {
    bytes = collapsed_stacks(profile, view);
  } else {
    bytes = pprof_bytes(profile, view);
  }
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) throw Trouble("cannot write {}", path);
}

void print_summary(const HeapProfile& profile, View view, unsigned top) {
  std::uint64_t samples = 0;
  std::uint64_t dropped = 0;
  for (const ProfiledProcess& process : profile.processes) {
    samples += process.samples;
    dropped += process.dropped;
  }
  double bytes = 0;
  double blocks = 0;
  for (const ProfileSample& sample : profile.samples) {
    const Amount amount = amount_of(sample, view);
    bytes += amount.bytes;
    blocks += amount.blocks;
  }
  const std::string what = view == View::held
                               ? fmt::format("{} free in slabs, kept by {} live blocks",
                                             size_words(bytes), short_count(blocks))
                               : fmt::format("{} in {} blocks {}", size_words(bytes),
                                             short_count(blocks), words_of(view));
  fmt::print(stderr, "strata: {}, estimated from {} samples of {} process{}\n", what,
             count_words(samples), profile.processes.size(),
             profile.processes.size() == 1 ? "" : "es");
  if (dropped != 0) {
    fmt::print(stderr, "strata: warning: {} samples found no room: use a larger --mean\n",
               count_words(dropped));
  }
  if (top != 0) {
    fmt::print(stderr, "      bytes  share    blocks  site\n{}", site_table(profile, view, top));
  }
}

void show(const Options& o, const HeapProfile& profile, View view) {
  if (profile.processes.empty()) {
    fmt::print(stderr, "strata: no allocation was sampled: use a smaller --mean than {}\n",
               size_words(double(o.mean)));
    return;
  }
  if (!o.quiet) print_summary(profile, view, o.top);
  for (const std::string& path : o.outputs) {
    write_output(path, profile, view);
    if (!o.quiet) fmt::print(stderr, "strata: {} written\n", path);
  }
}

int profile_run(const Options& o) {
  UnderStrata how = under_strata(o.command[0], o.library, o.settings);
  if (!how.obstacle.empty()) {
    fmt::print(stderr, "strata: warning: {}: there will be nothing to see of it\n", how.obstacle);
  }
  if (o.held) how.environment.emplace_back("STRATA_OBSERVE=on");
  const ProfileRun run = profile_program(o.command, how.environment, o.mean, o.held);
  show(o, run.profile, o.view(View::peak));
  return end_like(run.outcome);
}

volatile std::sig_atomic_t interrupted = 0;

// Until the time is over, or the user has enough (Ctrl-C).
void wait_for(double seconds) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  const std::uint64_t end = milliseconds_now() + std::uint64_t(seconds * 1000);
  while (interrupted == 0 && milliseconds_now() < end) ::usleep(20'000);
}

void profile_process(const Options& o, pid_t number) {
  Process process(number);
  AttachedProfile attached(process);
  if (o.off) return attached.switch_off();
  const bool was_on = attached.is_on();
  if (!was_on || o.on) attached.switch_on(o.mean);
  if (o.on) return;
  if (!was_on) wait_for(o.seconds);
  const HeapProfile profile = attached.take();
  if (!was_on) attached.switch_off();
  show(o, profile, o.view(View::live));
  if (!o.quiet) {
    fmt::print(stderr, "What was allocated before the profile began, {} ago, is not in it.\n",
               time_words(profile.milliseconds));
  }
}

}  // namespace

void register_profile(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* profile =
      app.add_subcommand("profile", "Sample who allocates, and who holds what is live");
  profile->add_option("PID|PROGRAM", o->command, "A process, or a program and its arguments");
  profile->positionals_at_end();
  profile->footer(R"(strata profile [OPTIONS] [--] PROGRAM [ARGUMENTS...]
strata profile [OPTIONS] PID

Looks at one allocation in so many bytes and at the stack it came from; what it counts
stands for all. The program's output, signals and exit code are its own; the sites with
most bytes follow on the standard error. Programs that it starts are profiled as well.

  strata profile -- python3 job.py                  what held most memory at the peak
  strata profile --live -- ./server                 what was never freed
  strata profile --allocated -- g++ -c big.cpp      where all allocations came from
  strata profile --held -- ./server                 which blocks keep sparse slabs
  strata profile -o heap.pb.gz -- ./job             for pprof, speedscope and others
  strata profile -o heap.folded -- ./job            for flame graph tools
  strata profile -o heap.html -- ./job              a page with a flame graph

A process that was started by `strata run`, or with STRATA_OBSERVE=on:

  strata profile 1234                 look for 10 seconds (or until Ctrl-C), then tell
  strata profile --on 1234            begin; from then on `strata profile 1234` tells at once
  strata profile --off 1234           end)");
  const std::vector<CLI::Option*> views = {
      profile->add_flag("--peak", o->peak,
                        "What was live when each process held most (the default)"),
      profile->add_flag("--live", o->live, "What is live at the end; of a process: now"),
      profile->add_flag("--allocated", o->allocated, "All that was allocated"),
      profile->add_flag("--held", o->held,
                        "Free memory in slabs, by the live blocks that keep it there")};
  for (CLI::Option* view : views) {
    for (CLI::Option* other : views) {
      if (view != other) view->excludes(other);
    }
  }
  profile
      ->add_option(
          "-o,--output", o->outputs,
          "Write the profile: .folded, .collapsed or .txt are collapsed stacks, .html a page, "
          "all else is for pprof (.pb.gz). As often as wanted")
      ->allow_extra_args(false);
  profile
      ->add_option(
          "--mean", o->mean,
          "One sample in so many bytes, 512KiB if not given: fewer bytes, finer and slower")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{heap::sample::largest_mean}));
  profile->add_option("--top", o->top, "How many sites the table has, 0 for none")
      ->capture_default_str();
  profile->add_option("--set", o->settings, "OPTION=VALUE of the library, as often as wanted")
      ->allow_extra_args(false);
  profile->add_option("--library", o->library,
                      "Another libstrata.so than the one beside the command");
  profile->add_flag("-q,--quiet", o->quiet, "No table");
  auto* const on = profile->add_flag("--on", o->on, "Only begin to look at a process");
  auto* const off = profile->add_flag("--off", o->off, "Only cease to look at a process");
  on->excludes(off);
  profile->add_option("--seconds", o->seconds, "How long to look at a process")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  profile->callback([o, &context] {
    if (o->command.empty()) throw CLI::RequiredError("PID or PROGRAM");
    const std::string& first = o->command[0];
    const bool is_number = first.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && o->command.size() == 1 && context.program.empty()) {
      return profile_process(*o, pid_t(std::stol(first)));
    }
    if (o->on || o->off) throw CLI::ValidationError("--on and --off are for a process's number");
    try {
      context.exit_code = profile_run(*o);
    } catch (const CannotStart& error) {
      fmt::print(stderr, "strata: error: {}\n", error.what());
      context.exit_code = error.exit_code();
    }
  });
}

}  // namespace strata::tool
