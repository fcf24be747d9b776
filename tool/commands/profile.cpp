// strata profile: who allocates, and who holds what is live.
#include <fmt/core.h>

#include <fstream>
#include <limits>

#include "command.hpp"
#include "heap/sample.hpp"
#include "observe/profiler.hpp"
#include "observe/trouble.hpp"
#include "observe/under_strata.hpp"
#include "observe/words.hpp"
#include "profile/pprof.hpp"
#include "profile/session.hpp"
#include "profile/text.hpp"

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
  bool quiet = false;

  [[nodiscard]] View view() const {
    if (allocated) return View::allocated;
    return live ? View::live : View::peak;
  }
};

bool ends_with_one_of(const std::string& path, std::initializer_list<const char*> endings) {
  for (const char* ending : endings) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

void write_output(const std::string& path, const HeapProfile& profile, View view) {
  const std::string bytes = ends_with_one_of(path, {".folded", ".collapsed", ".txt"})
                                ? collapsed_stacks(profile, view)
                                : pprof_bytes(profile, view);
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
  fmt::print(stderr, "strata: {} in {} blocks {}, estimated from {} samples of {} process{}\n",
             size_words(bytes), short_count(blocks), words_of(view), count_words(samples),
             profile.processes.size(), profile.processes.size() == 1 ? "" : "es");
  if (dropped != 0) {
    fmt::print(stderr, "strata: warning: {} samples found no room: use a larger --mean\n",
               count_words(dropped));
  }
  if (top != 0) {
    fmt::print(stderr, "      bytes  share    blocks  site\n{}", site_table(profile, view, top));
  }
}

int profile_run(const Options& o) {
  UnderStrata how = under_strata(o.command[0], o.library, o.settings);
  if (!how.obstacle.empty()) {
    fmt::print(stderr, "strata: warning: {}: there will be nothing to see of it\n", how.obstacle);
  }
  const ProfileRun run = profile_program(o.command, how.environment, o.mean);
  if (run.profile.processes.empty()) {
    fmt::print(stderr, "strata: no allocation was sampled: use a smaller --mean than {}\n",
               size_words(double(o.mean)));
  } else {
    if (!o.quiet) print_summary(run.profile, o.view(), o.top);
    for (const std::string& path : o.outputs) {
      write_output(path, run.profile, o.view());
      if (!o.quiet) fmt::print(stderr, "strata: {} written\n", path);
    }
  }
  return end_like(run.outcome);
}

}  // namespace

void register_profile(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* profile =
      app.add_subcommand("profile", "Sample who allocates, and who holds what is live");
  profile->add_option("PROGRAM", o->command, "The program and its arguments");
  profile->positionals_at_end();
  profile->footer(R"(strata profile [OPTIONS] [--] PROGRAM [ARGUMENTS...]

Looks at one allocation in so many bytes and at the stack it came from; what it counts
stands for all. The program's output, signals and exit code are its own; the sites with
most bytes follow on the standard error. Programs that it starts are profiled as well.

  strata profile -- python3 job.py                  what held most memory at the peak
  strata profile --live -- ./server                 what was never freed
  strata profile --allocated -- g++ -c big.cpp      where all allocations came from
  strata profile -o heap.pb.gz -- ./job             for pprof, speedscope and others
  strata profile -o heap.folded -- ./job            for flame graph tools)");
  auto* const views = profile->add_option_group("views");
  views->add_flag("--peak", o->peak, "What was live when each process held most (the default)");
  views->add_flag("--live", o->live, "What is live at the end");
  views->add_flag("--allocated", o->allocated, "All that was allocated");
  views->require_option(0, 1);
  profile
      ->add_option("-o,--output", o->outputs,
                   "Write the profile: .folded, .collapsed or .txt are collapsed stacks, all else "
                   "is for pprof (.pb.gz). As often as wanted")
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
  profile->callback([o, &context] {
    if (o->command.empty()) throw CLI::RequiredError("PROGRAM");
    try {
      context.exit_code = profile_run(*o);
    } catch (const CannotStart& error) {
      fmt::print(stderr, "strata: error: {}\n", error.what());
      context.exit_code = error.exit_code();
    }
  });
}

}  // namespace strata::tool
