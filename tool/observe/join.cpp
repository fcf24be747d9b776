// Joins the heap's view with the kernel's, run by run and mapping by mapping. See join.hpp.
#include "observe/join.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "observe/images.hpp"
#include "ranges/slot.hpp"

namespace strata::tool {
namespace {

using observe::AreaKind;
using observe::Run;
using observe::RunKind;

struct Interval {
  std::uint64_t start;
  std::uint64_t end;
};

// Addresses of Strata's, sorted, and those that are huge blocks, which may share a mapping.
struct Ground {
  std::vector<Interval> all;
  std::vector<Interval> huge;

  static std::uint64_t overlap(const std::vector<Interval>& intervals, std::uint64_t start,
                               std::uint64_t end) {
    std::uint64_t bytes = 0;
    auto at = std::lower_bound(intervals.begin(), intervals.end(), start,
                               [](const Interval& i, std::uint64_t a) { return i.end <= a; });
    for (; at != intervals.end() && at->start < end; ++at) {
      bytes += std::min(end, at->end) - std::max(start, at->start);
    }
    return bytes;
  }
};

bool has_prefix(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }
bool has_suffix(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

class Joiner {
 public:
  Joiner(Account& account, const Process& process, std::vector<Mapping> mappings)
      : account_(account), process_(process), mappings_(std::move(mappings)) {
    for (const observe::Area& area : account.view.areas) {
      ground_.all.push_back({area.address, area.address + area.bytes});
    }
    for (const Run& run : account.view.runs) {
      if (run.kind != RunKind::huge) continue;
      ground_.all.push_back({run.address, run.address + run.bytes});
      ground_.huge.push_back({run.address, run.address + run.bytes});
    }
    const auto by_start = [](const Interval& a, const Interval& b) { return a.start < b.start; };
    std::sort(ground_.all.begin(), ground_.all.end(), by_start);
    std::sort(ground_.huge.begin(), ground_.huge.end(), by_start);
    // Blocks that a mode keeps; what the sampling point keeps is live for the most part.
    const observe::Totals& totals = account.view.totals;
    kept_live_left_ = account.view.settings.checking != 0
                          ? double(totals.small_live_bytes + totals.large_bytes)
                          : std::numeric_limits<double>::max();
    for (unsigned c = 0; c < class_count; ++c) {
      ClassShare share;
      share.size = size_of_class(c);
      account.classes.push_back(share);
    }
    for (const observe::Thread& thread : account.view.threads) {
      ThreadShare share;
      share.key = thread.key;
      share.number = thread.number;
      share.large_blocks = thread.large_blocks;
      by_key_[thread.key] = account.threads.size();
      account.threads.push_back(share);
    }
  }

  void join() {
    for (const observe::Area& area : account_.view.areas) join_area(area);
    join_huge();
    join_mappings();
    round();
  }

 private:
  void add(Part part, double bytes) { parts_[unsigned(part)] += bytes; }

  // Pages of [start, end); `bytes` of them. Where mappings of their own make up the area, the
  // kernel's own count of it is known too.
  PageMap pages_of(std::uint64_t start, std::uint64_t end, std::uint64_t bytes) const {
    PageMap pages(process_, start, bytes);
    std::uint64_t resident = 0;
    for (const Mapping& mapping : mappings_) {
      if (mapping.end <= start || mapping.start >= end) continue;
      if (mapping.start < start || mapping.end > end) return pages;
      resident += mapping.resident;
    }
    pages.agree_with(resident);
    return pages;
  }

  void join_area(const observe::Area& area) {
    if (area.kind == AreaKind::slots) return join_slots(area);
    const PageMap pages = pages_of(area.address, area.address + area.bytes, area.bytes);
    add(area.kind == AreaKind::worker ? Part::stacks : Part::metadata, pages.resident());
  }

  void join_slots(const observe::Area& area) {
    const PageMap pages = pages_of(area.address, area.address + area.bytes, area.usable);
    const std::uint64_t end = area.address + area.usable;
    add(Part::metadata, pages.resident(area.address, std::min(area.first, end)));
    std::uint64_t covered = area.first;
    slab_ = nullptr;
    for (const Run& run : account_.view.runs) {
      if (run.kind == RunKind::huge || run.address < area.first || run.address >= end) continue;
      const std::uint64_t run_end = run.address + std::uint64_t{run.slots} * slot_size;
      if (run_end > end || run.address < covered) continue;
      // What came between the two looks is somebody's block by now.
      if (run.address > covered) add(Part::live, pages.resident(covered, run.address));
      covered = run_end;
      join_run(run, pages);
    }
    if (covered < end) add(Part::live, pages.resident(covered, end));
  }

  void join_run(const Run& run, const PageMap& pages) {
    const std::uint64_t end = run.address + std::uint64_t{run.slots} * slot_size;
    const double resident = pages.resident(run.address, end);
    RunShare share{run, std::uint64_t(resident), 0, 0};
    switch (run.kind) {
      case RunKind::slab:
        slab_ = &run;
        live_left_ = double(run.live) * double(size_of_class(run.size_class));
        [[fallthrough]];
      case RunKind::slab_part:
        join_slot_of_slab(share, pages, resident);
        break;
      case RunKind::large: {
        const std::uint64_t used = std::min(end, run.address + run.bytes);
        const double live = pages.resident(run.address, used);
        add(Part::live, live);
        add(Part::huge_tail, std::max(0.0, resident - live));
        share.live = std::uint64_t(live);
        break;
      }
      case RunKind::strip: {
        const double live = std::min(resident, double(run.bytes));
        add(Part::live, live);
        add(Part::free_in_slabs, resident - live);
        share.live = std::uint64_t(live);
        break;
      }
      case RunKind::lent:
        add(Part::lent, resident);
        share.live = std::uint64_t(resident);
        break;
      case RunKind::kept: {
        // What of it is live its keeper tells for all together.
        const double live = std::min(resident, kept_live_left_);
        kept_live_left_ -= live;
        add(Part::live, live);
        add(Part::free_in_slabs, resident - live);
        share.live = std::uint64_t(live);
        break;
      }
      case RunKind::free_run: {
        const double dirty = std::min(resident, double(run.dirty) * double(carve_unit));
        add(Part::waiting_for_purge, dirty);
        add(Part::untouched, resident - dirty);
        break;
      }
      default:
        add(Part::free_in_slabs, resident);
        break;
    }
    account_.runs.push_back(share);
  }

  // The live blocks of a slab are anywhere in its slots: what is resident and carved is taken for
  // theirs, from the first slot on.
  void join_slot_of_slab(RunShare& slot, const PageMap& pages, double resident) {
    const Run& run = slot.run;
    // Units that hold blocks, and those that still hold what an earlier slab left there.
    double carved = 0;
    double used = 0;
    const double part_of_page = double(carve_unit) / double(std::max(page_bytes(), carve_unit));
    for (unsigned unit = 0; unit < carve_units_per_slot; ++unit) {
      if ((run.written >> unit & 1U) == 0) continue;
      const std::uint64_t from = run.address + unit * carve_unit;
      const double bytes = pages.resident(from, from + carve_unit) * part_of_page;
      used += bytes;
      if ((run.uncarved >> unit & 1U) == 0) carved += bytes;
    }
    const double live = slab_ == nullptr ? 0 : std::min(carved, live_left_);
    live_left_ -= live;
    const bool owned = slab_ != nullptr && slab_->owner != 0;
    add(Part::live, live);
    // Eager commit makes every unit resident at once: nothing is left there from before.
    if (account_.view.settings.eager_commit != 0) used = carved;
    add(owned ? Part::cached_in_threads : Part::free_in_slabs, used - live);
    add(Part::untouched, std::max(0.0, resident - used));
    slot.live = std::uint64_t(live);
    slot.free = std::uint64_t(used - live);

    ClassShare& share = account_.classes[run.size_class];
    share.room += size_classes.classes[run.size_class].capacity;
    share.resident += std::uint64_t(resident);
    share.live_resident += std::uint64_t(live);
    if (run.kind == RunKind::slab) {
      ++share.slabs;
      share.owned_slabs += owned ? 1 : 0;
      share.live += run.live;
    }
    if (!owned) return;
    if (const auto found = by_key_.find(slab_->owner); found != by_key_.end()) {
      ThreadShare& thread = account_.threads[found->second];
      thread.slabs += run.kind == RunKind::slab ? 1 : 0;
      thread.live_bytes += std::uint64_t(live);
      thread.cached_bytes += std::uint64_t(used - live);
    }
  }

  // All of a huge block is the program's. A mapping of nothing else needs no look at its pages.
  void join_huge() {
    std::vector<RunShare> blocks;
    for (const Run& run : account_.view.runs) {
      if (run.kind != RunKind::huge) continue;
      const auto exact = std::find_if(mappings_.begin(), mappings_.end(), [&](const Mapping& m) {
        return m.start == run.address && m.end == run.address + run.bytes;
      });
      double resident = 0;
      if (exact != mappings_.end()) {
        resident = double(exact->resident);
      } else {
        resident = PageMap(process_, run.address, run.bytes).resident();
      }
      add(Part::live, resident);
      blocks.push_back({run, std::uint64_t(resident), std::uint64_t(resident), 0});
    }
    account_.runs.insert(account_.runs.begin(), blocks.begin(), blocks.end());
  }

  void join_mappings() {
    variables_ = find_variables(process_, mappings_);
    for (const Mapping& mapping : mappings_) {
      if (mapping.is_executable()) has_code_.insert(mapping.name);
    }
    for (const Mapping& mapping : mappings_) {
      const std::uint64_t mine = Ground::overlap(ground_.all, mapping.start, mapping.end);
      if (mine != 0) account_.huge_pages += mapping.huge;
      if (mine == mapping.end - mapping.start || mapping.resident == 0) continue;
      if (mine != 0) {
        // Some of its addresses are Strata's and some are not.
        std::uint64_t at = mapping.start;
        for (const Interval& interval : ground_.all) {
          if (interval.end <= at || interval.start >= mapping.end) continue;
          if (interval.start > at) join_outside(mapping, at, interval.start);
          at = std::min(mapping.end, interval.end);
        }
        if (at < mapping.end) join_outside(mapping, at, mapping.end);
      } else {
        join_outside(mapping, mapping.start, mapping.end);
      }
    }
    std::sort(account_.outside.begin(), account_.outside.end(),
              [](const auto& a, const auto& b) { return a.resident > b.resident; });
  }

  // [start, end) of a mapping, none of it Strata's: variables of images apart from the rest.
  void join_outside(const Mapping& mapping, std::uint64_t start, std::uint64_t end) {
    const bool nameless = mapping.name.empty() || has_prefix(mapping.name, "[anon:");
    if (nameless) {
      for (const Variables& variables : variables_) {
        if (variables.end <= start || variables.start >= end) continue;
        if (variables.start > start) put_outside(mapping, start, variables.start, "");
        const std::uint64_t until = std::min(end, variables.end);
        put_outside(mapping, std::max(start, variables.start), until, variables.image);
        start = until;
      }
    }
    if (start < end) put_outside(mapping, start, end, "");
  }

  void put_outside(const Mapping& mapping, std::uint64_t start, std::uint64_t end,
                   const std::string& image) {
    const bool whole = start == mapping.start && end == mapping.end;
    const double resident =
        whole ? double(mapping.resident) : PageMap(process_, start, end - start).resident();
    if (resident == 0) return;
    const Part part = part_of(mapping, image);
    add(part, resident);
    if (part == Part::metadata) return;
    if (part == Part::stacks) note_stack(mapping);
    const std::string label = !image.empty()          ? image
                              : !mapping.name.empty() ? mapping.name
                              : part == Part::stacks  ? "a stack"
                                                      : "without a name";
    account_.outside.push_back({part, label, start, end - start, std::uint64_t(resident)});
  }

  Part part_of(const Mapping& mapping, const std::string& image) const {
    const std::string& name = mapping.name;
    if (has_prefix(name, "/memfd:strata-board")) return Part::metadata;
    if (has_suffix(image.empty() ? name : image, "/libstrata.so") && mapping.rights[1] == 'w') {
      return Part::metadata;
    }
    if (!image.empty()) return Part::program;
    if (name == "[heap]") return Part::other_malloc;
    if (has_prefix(name, "[stack")) return Part::stacks;
    if (has_prefix(name, "[v")) return Part::program;  // vdso, vvar, vsyscall
    if (name.empty() || has_prefix(name, "[anon:")) {
      return is_stack(mapping) ? Part::stacks : Part::other_mappings;
    }
    if (mapping.rights[3] == 's' &&
        (has_prefix(name, "/memfd:") || has_prefix(name, "/dev/") || has_prefix(name, "/SYSV") ||
         has_prefix(name, "[anon_shmem"))) {
      return Part::shared_memory;
    }
    return has_code_.count(name) != 0 ? Part::program : Part::file_pages;
  }

  // A thread's stack: its thread-local storage stands at the top of it, or it has the guard that
  // pthreads puts below.
  bool is_stack(const Mapping& mapping) const {
    if (mapping.rights[1] != 'w') return false;
    for (const observe::Thread& thread : account_.view.threads) {
      if (thread.key >= mapping.start && thread.key < mapping.end) return true;
    }
    const auto at =
        std::lower_bound(mappings_.begin(), mappings_.end(), mapping.start,
                         [](const Mapping& m, std::uint64_t address) { return m.end < address; });
    constexpr std::uint64_t largest_guard = 1 << 20;
    constexpr std::uint64_t largest_stack = 64 << 20;
    return at != mappings_.end() && at->end == mapping.start && !at->is_usable() &&
           at->name.empty() && at->end - at->start <= largest_guard &&
           mapping.end - mapping.start <= largest_stack;
  }

  void note_stack(const Mapping& mapping) {
    for (ThreadShare& thread : account_.threads) {
      const bool first = thread.number == std::uint32_t(account_.process);
      if ((thread.key >= mapping.start && thread.key < mapping.end) ||
          (first && mapping.name == "[stack]")) {
        thread.stack_bytes += mapping.resident;
      }
    }
  }

  // Shares of pages are rounded once, at the end.
  void round() {
    for (unsigned i = 0; i < part_count; ++i) {
      account_.parts.bytes[i] = std::uint64_t(std::llround(parts_[i]));
    }
  }

  Account& account_;
  const Process& process_;
  std::vector<Mapping> mappings_;
  Ground ground_;
  std::map<std::uint64_t, size_t> by_key_;
  std::vector<Variables> variables_;
  std::set<std::string> has_code_;  // files of which something may be executed
  std::array<double, part_count> parts_{};
  // Of the slab whose slots are being joined.
  const Run* slab_ = nullptr;
  double live_left_ = 0;
  double kept_live_left_ = 0;
};

}  // namespace

void join(Account& account, const Process& process, std::vector<Mapping> mappings) {
  Joiner(account, process, std::move(mappings)).join();
}

}  // namespace strata::tool
