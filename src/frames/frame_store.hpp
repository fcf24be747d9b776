// FrameStore: the frames of all regions, behind locks: what Frames' magazines are filled from.
//
//     directory: sorted regions          zones: four lanes each, a pool and a lock
//     | 1..640 KiB | 1..16 MiB | ... |     isa | below_4gib | any
//
// Requests fall through from the highest zone allowed downward. What a zone below the topmost one
// keeps for those who ask for it by name: 1/32 of its frames (read as a sum over its lanes without a
// lock, so that CPUs which ask at once may go below it by what they ask for).
//
// Lock order: the directory's, then a zone's lanes' by their numbers. Memory comes and goes under the
// directory's.
#pragma once

#include <new>

#include "base/attributes.hpp"
#include "base/lock_guard.hpp"
#include "frames/block_magazine.hpp"
#include "frames/directory.hpp"
#include "frames/memory_map.hpp"
#include "frames/zone.hpp"
#include "platform/paged_machine.hpp"

namespace strata {

template <PagedMachine Machine>
class FrameStore {
 public:
  static constexpr size_t reserve_divisor = 32;

  // ---- runs ----

  [[nodiscard]] FrameRun allocate(const FrameRequest& request) noexcept {
    if (request.count == 0 || !is_power_of_two(request.alignment)) return {};
    const FrameRun run = take_run(request);
    if (built_small || run.first || !take_back_blocks()) return run;
    return take_run(request);
  }

  // Gives back `count` frames from `first` on, all of them handed out, all of one region. Anything
  // else: what is wrong, and nothing has changed.
  Problem give_back(Frame first, size_t count) noexcept {
    FrameRegion* region = directory_.find(first);
    if (region == nullptr || count == 0 || count > region->metadata.number - first.number) {
      return Problem::frame_not_ours;
    }
    const bool good = zones_[unsigned(region->zone)].give_back(*region, first, count);
    return good ? Problem::none : Problem::frame_freed_twice;
  }

  // ---- memory that comes and goes ----

  // Adds memory while running. False, and nothing changed, when it overlaps what is there.
  bool add(MemorySpan span) noexcept {
    span = {align_up(span.base, frame_size), align_down(span.end, frame_size)};
    if (span.base >= span.end || span.end > std::uint64_t{1} << 52) return false;
    return add_span(span);
  }

  // Stops handing out the region that starts at `base`. Then, once drain() has run on every CPU and
  // all its frames came back, remove() succeeds; set_online() changes one's mind. False: no such
  // one.
  bool set_offline(std::uint64_t base) noexcept { return switch_region(base, true); }
  bool set_online(std::uint64_t base) noexcept { return switch_region(base, false); }

  // True: the region is forgotten and nothing in it is ours. False: it is in use, or online.
  bool remove(std::uint64_t base) noexcept {
    const LockGuard writing(directory_lock_);
    FrameRegion* region = region_at(base);
    if (region == nullptr) return false;
    if (!zones_[unsigned(region->zone)].remove(*region)) return false;
    directory_.remove(region);
    update_zones();
    return true;
  }

  // ---- looking ----

  [[nodiscard]] size_t free_in(FrameZone zone) noexcept {
    return zones_[unsigned(zone)].free_frames();
  }
  // Frames that can be handed out or are.
  [[nodiscard]] size_t managed_frames() noexcept {
    size_t sum = 0;
    walk([&](const FrameRegion& region) { sum += region.frames(); });
    return sum;
  }

  // True when the frame is handed out now.
  [[nodiscard]] bool is_out(Frame frame) const noexcept {
    const FrameRegion* region = directory_.find(frame);
    if (region == nullptr) return false;
    return region->block_of(frame).is_out(frame);
  }

  // Calls visit(const FrameRegion&) in order of address.
  template <class Visit>
  void walk(Visit&& visit) noexcept {
    const LockGuard writing(directory_lock_);
    for (size_t i = 0; i < directory_.size(); ++i) visit(*directory_.at(i));
  }

 protected:
  using Zone = strata::Zone<typename Machine::Lock>;
  using Lane = typename Zone::Lane;

  // The topmost zone that has memory.
  [[nodiscard]] unsigned top_zone() const noexcept { return top_zone_.load(Order::relaxed); }

  // What those who do not ask for this zone by name must leave in it.
  [[nodiscard]] size_t kept(unsigned zone) noexcept {
    const bool spare = zone < top_zone();
    return spare ? zones_[zone].managed_frames() / reserve_divisor : 0;
  }

  using BlockMagazine = BlockMagazineOf<FrameBlock>;

  // Whose lanes are asked first; no call where there is one lane only.
  static unsigned cpu() noexcept { return frame_lanes == 1 ? 0 : Machine::cpu(); }

  [[nodiscard]] Lane& lane_with(Frame frame) noexcept {
    return zones_[unsigned(zone_of(frame))].lane_with(frame);
  }

  // Blocks to their pools, each lane's under one hold of its lock, neighbours of the list together.
  // The array is used up.
  STRATA_NOINLINE void give_blocks(FrameBlock** blocks, unsigned count) noexcept {
    while (count != 0) {
      unsigned left = 0;
      Lane& lane = lane_with(blocks[0]->frame(0));
      const LockGuard guard(lane.lock);
      for (unsigned i = 0; i < count;) {
        FrameBlock* first = blocks[i];
        if (++i, &lane_with(first->frame(0)) != &lane) {
          blocks[left++] = first;
          continue;
        }
        unsigned run = 1;
        // Two regions' blocks are no neighbours: guards stand between them.
        for (; i < count; ++i, ++run) {
          if (blocks[i] == first - 1 && !begins_stripe(first->number)) {
            --first;
          } else if (blocks[i] != first + run || begins_stripe(first->number + run)) {
            break;
          }
        }
        lane.pool.give_blocks(first, run);
      }
      count = left;
    }
  }

  // Gives the blocks in all CPUs' magazines back to the pools. False: there were none.
  STRATA_NOINLINE bool take_back_blocks() noexcept {
    bool any = false;
    for (BlockMagazine& magazine : block_magazines_) {
      FrameBlock* blocks[BlockMagazine::size];
      unsigned count = 0;
      for (unsigned slot = 0; slot < BlockMagazine::size; ++slot) {
        if (FrameBlock* block = magazine.take_away(slot)) blocks[count++] = block;
      }
      give_blocks(blocks, count);
      any |= count != 0;
    }
    return any;
  }

  static MemorySpan below(MemorySpan span, std::uint64_t limit) noexcept {
    if (span.end > limit) span.end = limit;
    if (span.base > span.end) span.base = span.end;
    return span;
  }

  // Cuts the span at the zones' borders; each piece becomes a region.
  bool add_span(MemorySpan span) noexcept {
    const LockGuard writing(directory_lock_);
    if (span.base >= span.end) return false;
    if (!directory_.is_clear(Frame::at(span.base), Frame::at(span.end))) return false;
    for (unsigned zone = 0; zone < frame_zones && span.base < span.end; ++zone) {
      const MemorySpan piece = below(span, zone_end(FrameZone(zone)));
      if (piece.base < piece.end) add_region(piece, FrameZone(zone));
      if (piece.end > span.base) span.base = piece.end;
    }
    update_zones();
    return true;
  }

  void sum_up(FrameStatistics& sum) noexcept {
    walk([&](const FrameRegion& region) {
      sum.managed += region.frames();
      sum.metadata += size_t(region.end.number - region.metadata.number);
      ++sum.regions;
    });
    sum.lost_bytes = lost_bytes_;
    sum.free_blocks = blocks_in_magazines();
    for (Zone& zone : zones_) zone.sum_up(sum);
  }

  RegionDirectory directory_;

 private:
  // A run out of the pools.
  FrameRun take_run(const FrameRequest& request) noexcept {
    for (unsigned zone = unsigned(request.zone) + 1; zone-- > 0;) {
      const bool by_name = zone == unsigned(request.zone) || request.may_use_reserve;
      if (zones_[zone].free_frames() < (by_name ? 0 : kept(zone)) + request.count) continue;
      const FrameRun run = zones_[zone].take(request, cpu(), directory_);
      if (run.first) return run;
    }
    return {};
  }

  void add_region(MemorySpan span, FrameZone zone) noexcept {
    const Frame first = Frame::at(span.base);
    const Frame end = Frame::at(span.end);
    const size_t own = FrameRegion::metadata_frames(first, end);
    if (own >= end.number - first.number || (directory_.full() && !grow_directory())) {
      lost_bytes_ += span.bytes();
      return;
    }
    FrameRegion* region = FrameRegion::build(Machine::direct({end.number - own}), first, end, zone);
    directory_.insert(region);
    zones_[unsigned(zone)].add(*region);
  }

  bool grow_directory() noexcept {
    const size_t capacity = directory_.capacity() * 2;
    const size_t frames = divide_up(capacity * sizeof(void*), frame_size);
    const FrameRun run = allocate({.count = frames, .may_use_reserve = true});
    if (!run.first) return false;
    directory_.grow(static_cast<FrameRegion**>(Machine::direct(run.first)),
                    frames * frame_size / sizeof(void*));
    return true;
  }

  // Which zone is the topmost with memory, and which regions' frames pass the magazines by: those
  // of lower zones, so that rare frames do not end up with those who want any frame.
  void update_zones() noexcept {
    unsigned top = 0;
    for (size_t i = 0; i < directory_.size(); ++i) {
      const FrameRegion& region = *directory_.at(i);
      if (!region.offline && unsigned(region.zone) > top) top = unsigned(region.zone);
    }
    top_zone_.store(top, Order::relaxed);
    for (size_t i = 0; i < directory_.size(); ++i) {
      FrameRegion& region = *directory_.at(i);
      region.bypass.store(region.offline || unsigned(region.zone) < top, Order::relaxed);
    }
  }

  FrameRegion* region_at(std::uint64_t base) noexcept {
    for (size_t i = 0; i < directory_.size(); ++i) {
      if (directory_.at(i)->first == Frame::at(base)) return directory_.at(i);
    }
    return nullptr;
  }

  bool switch_region(std::uint64_t base, bool offline) noexcept {
    const LockGuard writing(directory_lock_);
    FrameRegion* region = region_at(base);
    if (region == nullptr || region->offline == offline) return false;
    zones_[unsigned(region->zone)].set_offline(*region, offline);
    update_zones();
    if (!built_small && offline) take_back_blocks();
    return true;
  }

  typename Machine::Lock directory_lock_{};
  Atomic<unsigned> top_zone_;     // written under directory_lock_
  std::uint64_t lost_bytes_ = 0;  // guarded by directory_lock_

 protected:
  [[nodiscard]] size_t blocks_in_magazines() const noexcept {
    size_t sum = 0;
    if constexpr (!built_small) {
      for (const BlockMagazine& magazine : block_magazines_) sum += magazine.blocks();
    }
    return sum;
  }

  Zone zones_[frame_zones];
  BlockMagazine block_magazines_[built_small ? 1 : Machine::max_cpus];
};

}  // namespace strata
