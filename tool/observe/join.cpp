// Joins the heap's view with the kernel's, run by run. See join.hpp; what is not the heap's is
// join_outside.hpp's.
#include "observe/join.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "observe/join_outside.hpp"
#include "ranges/slot.hpp"

namespace strata::tool {
namespace {

using observe::AreaKind;
using observe::Run;
using observe::RunKind;

class Joiner {
 public:
  Joiner(Account& account, const Process& process, std::vector<Mapping> mappings)
      : account_(account), process_(process), mappings_(std::move(mappings)) {
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
    join_outside(account_, process_, mappings_, parts_);
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

  // Shares of pages are rounded once, at the end.
  void round() {
    for (unsigned i = 0; i < part_count; ++i) {
      account_.parts.bytes[i] = std::uint64_t(std::llround(parts_[i]));
    }
  }

  Account& account_;
  const Process& process_;
  std::vector<Mapping> mappings_;
  std::map<std::uint64_t, size_t> by_key_;
  PartSums parts_{};
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
