// strata lab: one workload over any products of the region's policies, side by side.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "command.hpp"
#include "lab/report.hpp"
#ifdef STRATA_HAS_TRACES
#include "trace/reader.hpp"
#endif

namespace strata::tool {
namespace {

struct Options {
  std::vector<std::string> fits;
  std::vector<std::string> coalesces;
  std::vector<std::string> frees;
  std::vector<std::string> provisions;
  std::uint64_t operations = 200000;
  std::uint64_t seed = 1;
  std::string law = "mixed";
  std::uint32_t live = 2000;
  std::string trace;
  std::string html;
  bool json = false;
  bool quiet = false;
  lab::Settings settings;
};

// All values of an enum of policies, by name.
template <class Kind>
std::vector<std::string> names(int count) {
  std::vector<std::string> all;
  all.reserve(size_t(count));
  for (int i = 0; i < count; ++i) all.emplace_back(name_of(Kind(i)));
  return all;
}
template <class Kind>
std::vector<Kind> kinds(const std::vector<std::string>& chosen, int count, Kind usual) {
  if (chosen.empty()) return {usual};
  std::vector<Kind> out;
  for (const std::string& name : chosen) {
    for (int i = 0; i < count; ++i) {
      if (name == name_of(Kind(i)) || name == "all") out.push_back(Kind(i));
    }
  }
  return out;
}

std::vector<PolicyChoice> choices(const Options& o) {
  // Without choices: all fits under immediate and batched frees.
  std::vector<FitKind> fits = kinds<FitKind>(o.fits, 5, FitKind::good);
  std::vector<FreeKind> frees = kinds<FreeKind>(o.frees, 3, FreeKind::immediate);
  if (o.fits.empty()) {
    fits = {FitKind::first, FitKind::best, FitKind::next, FitKind::good, FitKind::score};
  }
  if (o.frees.empty()) frees = {FreeKind::immediate, FreeKind::batched};
  std::vector<PolicyChoice> all;
  for (const FitKind fit : fits) {
    for (const CoalesceKind coalesce : kinds<CoalesceKind>(o.coalesces, 3, CoalesceKind::at_once)) {
      for (const FreeKind free : frees) {
        for (const ProvisionKind provision :
             kinds<ProvisionKind>(o.provisions, 2, ProvisionKind::lazy)) {
          all.push_back({fit, coalesce, free, provision});
        }
      }
    }
  }
  return all;
}

// A whole number, `least` or more. Without it a number below 0 would wrap around to a huge one.
CLI::Validator at_least(unsigned long long least) {
  const std::string description = fmt::format("whole number >= {}", least);
  return {[=](std::string& text) -> std::string {
            const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
            unsigned long long number = 0;
            if (digits && CLI::detail::lexical_cast(text, number) && number >= least) return {};
            return fmt::format("{} is no {}", text, description);
          },
          description};
}

class Progress {
 public:
  explicit Progress(bool shown) : shown_(shown) {}
  void show(const std::string& what, double done) {
    if (!shown_) return;
    constexpr int width = 40;
    const int filled = int(done * width);
    fmt::print(stderr, "\r[{}{}] {:3.0f}% {:40}", std::string(std::size_t(filled), '#'),
               std::string(std::size_t(width - filled), '.'), done * 100, what);
    std::fflush(stderr);
  }
  void end() {
    if (shown_) fmt::print(stderr, "\r{:100}\r", "");
  }

 private:
  bool shown_;
};

lab::Workload workload_of(const Options& o) {
  if (o.trace.empty()) return lab::synthetic(o.law, o.operations, o.seed, o.live);
#ifdef STRATA_HAS_TRACES
  if (trace::TraceFile::is_one(o.trace)) return lab::from_recording(o.trace);
#endif
  return lab::from_trace(o.trace);
}

int run_lab(Options& o) {
  const lab::Workload workload = workload_of(o);
  const std::vector<PolicyChoice> all = choices(o);
  std::vector<lab::Result> results;
  Progress progress(!o.quiet && isatty(STDERR_FILENO) != 0);
  for (const PolicyChoice& choice : all) {
    const std::string what =
        fmt::format("{} {} {} {}", name_of(choice.fit), name_of(choice.coalesce),
                    name_of(choice.free), name_of(choice.provision));
    o.settings.progress = [&](double part) {
      progress.show(what, (double(results.size()) + part) / double(all.size()));
    };
    o.settings.progress(0);
    results.push_back(lab::run(choice, workload, o.settings));
  }
  progress.end();

  if (o.json) {
    fmt::print("{}\n", lab::json(workload, results));
  } else {
    fmt::print("{}: {} operations, at most {} blocks of together {:.0f} KB alive\n\n{}",
               workload.name, workload.events.size(), workload.peak_live_blocks,
               double(workload.peak_live_bytes) / 1024, lab::table(results));
  }
  if (!o.html.empty()) {
    std::ofstream page(o.html);
    page << lab::html(workload, results);
    page.close();
    if (!page) throw std::runtime_error(fmt::format("cannot write {}", o.html));
    if (!o.quiet) fmt::print(stderr, "strata: wrote {}\n", o.html);
  }
  int failed = 0;
  for (const lab::Result& r : results) {
    if (r.failed_checks == 0) continue;
    ++failed;
    fmt::print(stderr, "strata: error: {} {} {} {}: {}\n", name_of(r.choice.fit),
               name_of(r.choice.coalesce), name_of(r.choice.free), name_of(r.choice.provision),
               r.failure);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

void register_lab(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* lab = app.add_subcommand("lab", "Compare the region's policies on one workload");

  const auto policy = [&](const char* option, std::vector<std::string>& into,
                          std::vector<std::string> values, const char* what) {
    values.emplace_back("all");
    lab->add_option(option, into, what)
        ->delimiter(',')
        ->check(CLI::IsMember(values))
        ->group("Policies (lists with commas; without any: all fits, immediate and batched frees)");
  };
  policy("--fit", o->fits, names<FitKind>(5), "Which free block serves a request");
  policy("--coalesce", o->coalesces, names<CoalesceKind>(3), "When free neighbours are joined");
  policy("--free", o->frees, names<FreeKind>(3), "When a freed block is given back");
  policy("--provision", o->provisions, names<ProvisionKind>(2), "When memory is first touched");

  std::vector<std::string> law_names;
  std::string law_help = "Law of the sizes:";
  for (const lab::Law& law : lab::laws()) {
    law_names.emplace_back(law.name);
    law_help += fmt::format("\n  {}: {}", law.name, law.meaning);
  }
  lab->add_option("--ops", o->operations, "Operations of the synthetic workload")
      ->check(at_least(1))
      ->capture_default_str()
      ->group("Workload");
  lab->add_option("--seed", o->seed, "Seed of the synthetic workload")
      ->check(at_least(0))
      ->capture_default_str()
      ->group("Workload");
  lab->add_option("--law", o->law, law_help)
      ->check(CLI::IsMember(law_names))
      ->capture_default_str()
      ->group("Workload");
  lab->add_option("--live", o->live, "Blocks alive on average")
      ->check(CLI::Range(1U, 10000000U))
      ->capture_default_str()
      ->group("Workload");
  lab->add_option("--trace", o->trace,
                  "Recorded workload: what `strata record` wrote, or lines `a ID SIZE`, "
                  "`m ID SIZE ALIGN`, `r ID SIZE`, `f ID`")
      ->check(CLI::ExistingFile)
      ->group("Workload");
  lab->add_option("--memory", o->settings.memory,
                  "The region's memory, 64kb at least (default: ample)")
      ->transform(CLI::AsSizeValue(false))
      ->group("Workload");

  lab->add_option("--check-every", o->settings.check_every, "Verify everything every N operations")
      ->check(at_least(0))
      ->group("Looking");
  lab->add_option("--repeats", o->settings.repeats, "Timed runs; the least counts")
      ->check(at_least(1))
      ->capture_default_str()
      ->group("Looking");
  lab->add_option("--samples", o->settings.instruction_samples,
                  "Operations whose instructions are counted, in a run of their own; 0: none")
      ->check(at_least(0))
      ->capture_default_str()
      ->group("Looking");

  lab->add_flag("--json", o->json, "Figures as JSON on standard output")->group("Report");
  lab->add_option("--html", o->html, "Write a page with plots and a drawing of the blocks")
      ->group("Report");
  lab->add_flag("--quiet", o->quiet, "No progress bar")->group("Report");

  lab->callback([o, &context] { context.exit_code = run_lab(*o); });
}

}  // namespace strata::tool
