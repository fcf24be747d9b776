// Zone: the frames below an address limit, in lanes, and the regions they are of.
//
//     regions: list        lanes: a lock and a pool each
//                            0 | 1 | 2 | 3
//
// What concerns frames of one lane happens under that lane's lock; what concerns several (a run over a
// stripe's end, a region's coming and going, the scan below) under those of all, taken in order.
//
// A request for a run is refused only when a scan over the zone's bitmaps found nothing either
// (O(blocks)); the same scan serves requests with limits.
#pragma once

#include "base/lock_guard.hpp"
#include "frames/directory.hpp"
#include "frames/lane_pool.hpp"
#include "frames/run_search.hpp"

namespace strata {

template <class Lock>
class Zone {
 public:
  struct alignas(cache_line) Lane {
    Lock lock{};
    LanePool pool;
  };

  STRATA_TINY Lane& lane(unsigned number) noexcept { return lanes_[number]; }
  STRATA_TINY Lane& lane_with(Frame frame) noexcept { return lanes_[lane_of(frame)]; }

  // ---- read without a lock ----

  [[nodiscard]] size_t managed_frames() const noexcept { return managed_.load(Order::relaxed); }
  // A sum: exact while nobody takes or gives.
  [[nodiscard]] size_t free_frames() const noexcept {
    size_t sum = 0;
    for (const Lane& lane : lanes_) sum += lane.pool.free_frames();
    return sum;
  }

  // ---- runs ----

  // A run that is handed out now, or one without first frame.
  FrameRun take(const FrameRequest& request, unsigned cpu,
                const RegionDirectory& directory) noexcept {
    // Each lane by itself, and then all of them by the scan.
    for (unsigned n = request.limits.any() ? frame_lanes : 0; n <= frame_lanes; ++n) {
      const bool one = n < frame_lanes;
      const unsigned from = one ? lane_for(cpu, n) : 0;
      const Hold guard(*this, from, one ? from + 1 : frame_lanes);
      const Frame first =
          one ? lanes_[from].pool.find_run(request.count, request.alignment) : scan(request);
      if (!first) continue;
      FrameRegion* region = directory.find(first);
      each_block(*region, first, request.count,
                 [one](LanePool& pool, FrameBlock& block, size_t index, size_t count) noexcept {
                   if (!one && block.pool_frames == frames_per_block) pool.take_block(&block);
                   pool.take_from(&block, index, count);
                 });
      region->turn_out(first, request.count, true);
      return {first, request.count};
    }
    return {};
  }

  // False, and nothing has changed: one of them is not handed out. All of them are of the region.
  bool give_back(FrameRegion& region, Frame first, size_t count) noexcept {
    const bool one = in_one_lane(first, count);
    const unsigned from = one ? lane_of(first) : 0;
    const Hold guard(*this, from, one ? from + 1 : frame_lanes);
    if (!region.turn_out(first, count, false)) return false;
    give(region, first, count);
    return true;
  }

  // ---- regions ----

  // All its frames become free.
  void add(FrameRegion& region) noexcept {
    const Hold guard(*this, 0, frame_lanes);
    regions_.push_back(&region);
    count_managed(region.frames());
    give(region, region.first, region.frames());
  }
  // Takes the region's frames out of the pools, or puts them back.
  void set_offline(FrameRegion& region, bool offline) noexcept {
    const Hold guard(*this, 0, frame_lanes);
    region.offline = offline;
    count_managed(offline ? -region.frames() : region.frames());
    for (size_t i = 0; i < region.block_count; ++i) {
      FrameBlock* block = region.blocks + i;
      pool_of(*block).set_offline(block, offline);
    }
  }
  // Forgets an offline region. False while frames of it are in use or in magazines, or a CPU has
  // one of its blocks.
  bool remove(FrameRegion& region) noexcept {
    const Hold guard(*this, 0, frame_lanes);
    size_t frames = 0;
    bool owned = !region.offline;
    for (size_t i = 0; i < region.block_count; ++i) {
      frames += region.blocks[i].pool_frames;
      owned |= region.blocks[i].owned.load(Order::acquire);
    }
    if (owned || frames != region.frames()) return false;
    regions_.remove(&region);
    return true;
  }

  // ---- looking ----

  // Adds what is free to the statistics. O(blocks).
  void sum_up(FrameStatistics& sum) noexcept {
    const Hold guard(*this, 0, frame_lanes);
    for (const Lane& lane : lanes_) {
      sum.pool += lane.pool.free_frames();
      sum.free_blocks += lane.pool.free_blocks();
    }
    for (FrameRegion* region = regions_.first(); region != nullptr; region = region->next) {
      size_t run = 0;
      for (size_t i = 0; i < region->block_count && !region->offline; ++i) {
        const FrameBlock& block = region->blocks[i];
        const bool free = block.state == FrameBlockState::free_end;
        run = free ? run + block.length : 0;
        if (free) i += block.length - 1;
        if (run > sum.longest_blocks) sum.longest_blocks = run;
      }
    }
  }

  // True when lists, spans and counts agree with the bitmaps. O(blocks).
  [[nodiscard]] bool check() noexcept {
    const Hold guard(*this, 0, frame_lanes);
    size_t frames = 0, whole = 0, parts = 0;
    bool good = true;
    for (FrameRegion* region = regions_.first(); region != nullptr; region = region->next) {
      for (size_t i = 0; i < region->block_count; ++i) {
        const FrameBlock& block = region->blocks[i];
        const bool is_whole = block.whole.whole();
        unsigned ones = 0;
        for (unsigned word = 0; word < FrameBlock::words; ++word) {
          ones += count_ones(block.pool[word]);
          good &= (block.pool[word] & block.out[word].bits()) == 0;
          good &= !is_whole || (block.pool[word] | block.out[word].bits()) == 0;
        }
        const bool part = ones != 0 && ones != frames_per_block;
        good &= ones == block.pool_frames;
        if (region->offline) continue;
        frames += ones;
        whole += ones == frames_per_block ? 1 : 0;
        parts += part ? 1 : 0;
        good &= (block.state == FrameBlockState::partial) == part;
      }
    }
    for (Lane& lane : lanes_) good &= lane.pool.check(frames, whole, parts);
    return good && frames == 0 && whole == 0 && parts == 0;
  }

 private:
  // Holds the locks of lanes [first, end).
  class [[nodiscard]] Hold {
   public:
    STRATA_TINY Hold(Zone& zone, unsigned first, unsigned end) noexcept
        : zone_(zone), first_(first), end_(end) {
      for (unsigned i = first; i < end; ++i) zone_.lanes_[i].lock.lock();
    }
    STRATA_TINY ~Hold() {
      for (unsigned i = end_; i-- > first_;) zone_.lanes_[i].lock.unlock();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Zone& zone_;
    unsigned first_, end_;
  };

  // Under all lanes' locks.
  Frame scan(const FrameRequest& request) noexcept {
    for (FrameRegion* region = regions_.first(); region != nullptr; region = region->next) {
      if (region->offline) continue;
      const Frame first = find_run(*region, request.count, request.alignment, request.limits);
      if (first) return first;
    }
    return {};
  }

  LanePool& pool_of(const FrameBlock& block) noexcept { return lane_with(block.frame(0)).pool; }

  // Calls work(pool, block, index, count) for each block's part of the run. Under its lanes' locks.
  template <class Work>
  void each_block(FrameRegion& region, Frame first, size_t count, Work work) noexcept {
    while (count != 0) {
      const size_t index = first.number % frames_per_block;
      const size_t here = count < frames_per_block - index ? count : frames_per_block - index;
      FrameBlock& block = region.block_of(first);
      work(pool_of(block), block, index, here);
      first = first + here;
      count -= here;
    }
  }
  void give(FrameRegion& region, Frame first, size_t count) noexcept {
    each_block(region, first, count,
               [](LanePool& pool, FrameBlock& block, size_t index, size_t here) noexcept {
                 pool.give(block, index, here);
               });
  }
  void count_managed(size_t frames) noexcept {
    managed_.store(managed_frames() + frames, Order::relaxed);
  }

  Atomic<size_t> managed_;  // of online regions
  List<FrameRegion> regions_;
  Lane lanes_[frame_lanes];
};

}  // namespace strata
