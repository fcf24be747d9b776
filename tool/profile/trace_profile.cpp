// Counting by calling places. See trace_profile.hpp.
#include "profile/trace_profile.hpp"

#include <algorithm>
#include <map>

#include "trace/history.hpp"

namespace strata::tool {
namespace {

using trace::Step;
using trace::StepKind;

// The step after which most bytes were alive.
std::uint64_t step_of_peak(const trace::TraceFile& file, const trace::ProcessInTrace& process) {
  trace::History history(file, process);
  std::uint64_t live = 0;
  std::uint64_t most = 0;
  std::uint64_t peak = 0;
  for (std::uint64_t number = 0; const std::optional<Step> step = history.next(); ++number) {
    if (step->kind == StepKind::thread_end) continue;
    live += step->size - step->old_size;
    if (live <= most) continue;
    most = live;
    peak = number;
  }
  return peak;
}

class SiteCounter {
 public:
  explicit SiteCounter(HeapProfile& profile) : profile_(profile) {}

  void count(const Step& step) {
    if (step.kind == StepKind::thread_end) return;
    if (step.block >= site_of_.size()) site_of_.resize(step.block + 1);
    std::uint32_t& site = site_of_[step.block];
    if (step.kind != StepKind::allocate) {
      add(profile_.samples[site].live, -1, -double(step.old_size));
    }
    if (step.kind == StepKind::free) return;
    // A realloc without a place of its own leaves the block to the one that asked for it.
    if (step.kind == StepKind::allocate || step.site != 0) site = number_of(step.site);
    ProfileSample& sample = profile_.samples[site];
    add(sample.live, 1, double(step.size));
    // What a realloc asks for anew is what it adds.
    const bool is_new = step.kind == StepKind::allocate;
    const bool grows = step.size > step.old_size;
    add(sample.allocated, is_new ? 1 : 0, grows ? double(step.size - step.old_size) : 0);
    sample.requested = sample.allocated.bytes;
  }
  void note_peak() {
    for (ProfileSample& sample : profile_.samples) sample.peak = sample.live;
  }
  [[nodiscard]] const std::map<std::uint64_t, std::uint32_t>& sites() const { return sites_; }

 private:
  static void add(Amount& amount, int blocks, double bytes) {
    amount.blocks += blocks;
    amount.bytes += bytes;
  }
  std::uint32_t number_of(std::uint64_t site) {
    const auto [known, is_new] = sites_.try_emplace(site, profile_.samples.size());
    if (is_new) profile_.samples.emplace_back();
    return known->second;
  }

  HeapProfile& profile_;
  std::map<std::uint64_t, std::uint32_t> sites_;  // the samples, by address
  std::vector<std::uint32_t> site_of_;            // blocks
};

Location location_of(std::uint64_t site, const trace::ProcessInTrace& process, HeapProfile& profile,
                     Symbols& symbols) {
  Location location;
  location.address = site;
  for (const trace::Module& module : process.modules) {
    if (site < module.begin || site >= module.end) continue;
    const auto known = std::find(profile.mappings.begin() + 1, profile.mappings.end(), module.path);
    location.mapping = std::uint32_t(known - profile.mappings.begin());
    if (known == profile.mappings.end()) profile.mappings.push_back(module.path);
    // A call returns behind itself.
    location.address = symbols.address_of(module.path, site - module.begin + module.offset) - 1;
    location.places = symbols.at(module.path, location.address);
  }
  if (location.places.empty()) {
    location.places.push_back({site == 0 ? "not written down" : process.place(site), "", 0});
  }
  return location;
}

}  // namespace

HeapProfile trace_profile(const trace::TraceFile& file, const trace::ProcessInTrace& process) {
  HeapProfile profile;
  profile.command = process.command_line();
  profile.mappings = {""};
  const std::uint64_t peak = step_of_peak(file, process);
  SiteCounter counter(profile);
  trace::History history(file, process);
  for (std::uint64_t number = 0; const std::optional<Step> step = history.next(); ++number) {
    counter.count(*step);
    if (number == peak) counter.note_peak();
  }
  Symbols symbols;
  for (const auto& [site, sample] : counter.sites()) {
    profile.samples[sample].locations = {std::uint32_t(profile.locations.size())};
    profile.locations.push_back(location_of(site, process, profile, symbols));
  }
  ProfiledProcess who;
  who.number = process.pid;
  who.parent = process.parent_pid;
  who.executable = process.executable;
  who.samples = process.events;
  profile.processes.push_back(who);
  return profile;
}

}  // namespace strata::tool
