// Frames: storey 1. Hands out physical page frames of any number of scattered spans of RAM.
//
//   get(), put(frame)          one frame, through this CPU's magazine: no lock, no search
//   allocate(request), free()  runs of any length and alignment, zones, limits
//   add(), set_offline(), remove()   memory comes and goes while the machine runs
//
//   CPU 0 magazine   CPU 1 magazine      64 single frames each, refilled and flushed by 32,
//          \            /                from 2 MiB blocks of the CPU's own, and 16 whole ones
//            FrameStore                  regions, zones and their locks
//
// All state, this object included, is carved from the RAM it manages: start() needs no memory.
// Every free is checked in O(1): a frame that is not managed, or not handed out, goes to
// Machine::fail and changes nothing. Running out of memory is an empty answer, nothing else.
//
// Frames in other CPUs' magazines (at most 64 each) are out of reach of a request; drain() on that
// CPU returns them. A run may be freed in pieces, and pieces together, as long as every frame is
// handed out.
#pragma once

#include "frames/cpu_tag.hpp"
#include "frames/frame_store.hpp"

namespace strata {

template <PagedMachine Machine>
class Frames : public FrameStore<Machine> {
  using Store = FrameStore<Machine>;
  using typename Store::BlockMagazine;
  using typename Store::Lane;

 public:
  static constexpr size_t magazine_size = 64;
  static constexpr size_t magazine_batch = magazine_size / 2;

  // Starts on the part of the map below `mapped_limit`, where Machine::direct works already; add()
  // the rest with add_from() when it does everywhere. nullptr when there is no room even for us.
  template <class Map>
  static Frames* start(const Map& map, std::uint64_t mapped_limit) noexcept {
    const size_t capacity = map.size() * 2 + 16;
    const size_t own = divide_up(sizeof(Frames) + capacity * sizeof(void*), frame_size);
    // The span we live in: the first above 16 MiB that can spare it, else the largest one.
    MemorySpan best{0, 0};
    for (const MemorySpan& whole : map) {
      const MemorySpan span = Store::below(whole, mapped_limit);
      if (span.bytes() / frame_size < own + 2) continue;
      if (span.bytes() > best.bytes()) best = span;
      if (span.base >= zone_end(FrameZone::isa) && span.bytes() / 64 > own * frame_size) break;
    }
    if (best.bytes() == 0) return nullptr;
    const Frame home = Frame::at(best.end - own * frame_size);
    auto* memory = static_cast<unsigned char*>(Machine::direct(home));
    auto* frames = make(memory);
    frames->own_frames_ = own;
    frames->directory_.start(reinterpret_cast<FrameRegion**>(memory + sizeof(Frames)), capacity);
    for (const MemorySpan& whole : map) {
      MemorySpan span = Store::below(whole, mapped_limit);
      if (span.base == best.base) span.end = home.address();
      frames->add_span(span);
    }
    return frames;
  }

  // Adds the part of the map from `mapped_limit` on that start() left out.
  template <class Map>
  void add_from(const Map& map, std::uint64_t mapped_limit) noexcept {
    for (const MemorySpan& span : map) {
      this->add_span({span.base > mapped_limit ? span.base : mapped_limit, span.end});
    }
  }

  // ---- runs ----

  // `request.count` frames, or a run without first frame. Whole blocks that may come from anywhere
  // come from this CPU's magazine; so do single frames by get() only.
  [[nodiscard]] FrameRun allocate(const FrameRequest& request) noexcept {
    if (!built_small && request.count == frames_per_block && request.zone == FrameZone::any &&
        request.alignment <= frames_per_block && !request.limits.any()) {
      if (FrameBlock* block = get_block()) return {block->frame(0), frames_per_block};
    }
    return Store::allocate(request);
  }

  // Gives back `count` frames from `first` on, all of them handed out, all of one region. Anything
  // else: false, Machine::fail has been told, and nothing has changed.
  bool free(Frame first, size_t count) noexcept {
    if (count == 1) return put(first);
    if (!built_small && count == frames_per_block && put_block(first)) return true;
    const Problem problem = this->give_back(first, count);
    return problem == Problem::none || failed(problem, first);
  }

  // ---- single frames ----

  // A frame, or none when there is none.
  [[nodiscard]] STRATA_INLINE Frame get() noexcept {
    Frame frame;
    do {
      [[maybe_unused]] const typename Machine::CpuGuard guard;
      Magazine& magazine = magazines_[Machine::cpu()];
      if (STRATA_UNLIKELY(magazine.count.load(Order::relaxed) == 0)) {
        if (!refill(magazine)) return {};
      }
      const size_t count = magazine.count.load(Order::relaxed) - 1;
      magazine.count.store(count, Order::relaxed);
      frame = magazine.frames[count];
      if (STRATA_LIKELY(turn(find(frame, magazine)->block_of(frame), frame, true, magazine))) {
        return frame;
      }
    } while (!failed(Problem::frame_freed_twice, frame));  // by two CPUs at once: left alone
    return {};
  }

  // False when the frame was not ours to take; Machine::fail has been told.
  STRATA_INLINE bool put(Frame frame) noexcept {
    Problem problem;
    {
      [[maybe_unused]] const typename Machine::CpuGuard guard;
      problem = put_in(magazines_[Machine::cpu()], frame);
    }
    return STRATA_LIKELY(problem == Problem::none) || failed(problem, frame);
  }

  // Gives this CPU's magazine back to the pools: before the CPU goes idle or away.
  void drain() noexcept {
    [[maybe_unused]] const typename Machine::CpuGuard guard;
    Magazine& magazine = magazines_[Machine::cpu()];
    flush(magazine, magazine.count.load(Order::relaxed));
    leave_block(magazine);
    if constexpr (!built_small) magazine.tag.change();
    if constexpr (!built_small) flush_blocks(this->block_magazines_[Machine::cpu()], 0);
  }

  // ---- looking ----

  // Frames that are free, in pools or magazines.
  [[nodiscard]] size_t free_frames() noexcept {
    size_t sum = magazine_frames() + this->blocks_in_magazines() * frames_per_block;
    for (unsigned zone = 0; zone < frame_zones; ++zone) sum += this->free_in(FrameZone(zone));
    return sum;
  }

  [[nodiscard]] FrameStatistics statistics() noexcept {
    FrameStatistics sum;
    this->sum_up(sum);
    sum.metadata += own_frames_;
    sum.magazines = magazine_frames() + this->blocks_in_magazines() * frames_per_block;
    return sum;
  }

  // True when every invariant holds. O(frames / 64); no CPU may be getting or putting.
  [[nodiscard]] bool check() noexcept {
    bool good = true;
    for (auto& zone : this->zones_) good &= zone.check();
    for (const Magazine& magazine : magazines_) {
      for (size_t i = 0; i < magazine.count.load(Order::relaxed); ++i) {
        const Frame frame = magazine.frames[i];
        const FrameRegion* region = this->directory_.find(frame);
        if (region == nullptr) return false;
        FrameBlock& block = region->block_of(frame);
        const std::uint64_t pool = block.pool[frame.number % frames_per_block / 64];
        good &= ((pool | block.out_of(frame).bits()) & FrameBlock::bit_of(frame)) == 0;
      }
    }
    return good;
  }

 private:
  using CpuTag = CpuTagOf<Machine::max_cpus>;

  // Written by its own CPU only; `count` is an atomic because statistics() reads it from others.
  struct alignas(cache_line) Magazine {
    Atomic<size_t> count;
    CpuTag tag;                 // on this CPU's blocks
    FrameBlock* own = nullptr;  // the block this CPU fills it from
    const Lane* own_lane = nullptr;
    FrameRegion* recent = nullptr;                      // region found last
    std::uint64_t recent_sequence = ~std::uint64_t{0};  // the directory's then; odd: never
    Frame frames[magazine_size];
  };

  // Under the lane's lock.
  struct Tags {
    Frames& frames;
    Magazine& magazine;

    [[nodiscard]] CpuTag& tag_of(std::uint32_t owner) const noexcept {
      return frames.magazines_[CpuTag::cpu_of(owner)].tag;
    }
    // False: the block belongs to another CPU.
    bool claim(FrameBlock* block) const noexcept {
      const std::uint32_t owner = block->owner.load(Order::relaxed);
      if (owner == magazine.tag.now()) return true;
      if (owner != 0 && tag_of(owner).is(owner)) return false;
      block->owner.store(magazine.tag.now(), Order::relaxed);
      return true;
    }
    void ask(FrameBlock* block) const noexcept { tag_of(block->owner.load(Order::relaxed)).ask(); }
  };

  Frames() noexcept {
    for (unsigned cpu = 0; cpu < Machine::max_cpus; ++cpu) magazines_[cpu].tag.start(cpu);
  }
  static Frames* make(void* memory) noexcept {
    if constexpr (built_small) {  // valid when all zero, but for what speed needs
      return static_cast<Frames*>(__builtin_memset(memory, 0, sizeof(Frames)));
    } else {
      return new (memory) Frames;
    }
  }

  [[nodiscard]] size_t magazine_frames() const noexcept {
    size_t sum = 0;
    for (const Magazine& magazine : magazines_) sum += magazine.count.load(Order::relaxed);
    return sum;
  }

  STRATA_COLD static bool failed(Problem problem, Frame frame) noexcept {
    Machine::fail(problem, Address(frame.address()));
    return false;
  }

  FrameRegion* find(Frame frame, Magazine& magazine) const noexcept {
    if constexpr (built_small) return this->directory_.find(frame);
    if (STRATA_LIKELY(magazine.recent_sequence == this->directory_.sequence() &&
                      magazine.recent->holds(frame))) {
      return magazine.recent;
    }
    return find_again(frame, magazine);
  }
  STRATA_NOINLINE FrameRegion* find_again(Frame frame, Magazine& magazine) const noexcept {
    const std::uint64_t sequence = this->directory_.sequence();
    FrameRegion* region = this->directory_.find(frame);
    if (region != nullptr && (sequence & 1) == 0) {
      magazine.recent = region;
      magazine.recent_sequence = sequence;
    }
    return region;
  }

  static bool turn(FrameBlock& block, Frame frame, bool out, const Magazine& magazine) noexcept {
    const bool own = !built_small && block.owner.load(Order::relaxed) == magazine.tag.now();
    return block.out_of(frame).turn(FrameBlock::bit_of(frame), out, own);
  }

  // Again, for a frame of a block that may be out as one.
  STRATA_NOINLINE static bool turn_part(FrameBlock& block, Frame frame) noexcept {
    block.split();
    return block.out_of(frame).turn_all(FrameBlock::bit_of(frame), false);
  }

  static bool out(FrameBlock& block, Frame frame) noexcept {
    return (block.out_of(frame).bits() & FrameBlock::bit_of(frame)) != 0;
  }

  STRATA_INLINE Problem put_in(Magazine& magazine, Frame frame) noexcept {
    FrameRegion* region = find(frame, magazine);
    if (STRATA_UNLIKELY(region == nullptr)) return Problem::frame_not_ours;
    if (STRATA_UNLIKELY(!turn(region->block_of(frame), frame, false, magazine))) {
      if (built_small || !turn_part(region->block_of(frame), frame)) {
        return Problem::frame_freed_twice;
      }
    }
    if (STRATA_UNLIKELY(region->bypass.load(Order::relaxed))) {
      return give_home(*region, frame) ? Problem::none : Problem::frame_freed_twice;
    }
    size_t count = magazine.count.load(Order::relaxed);
    if (STRATA_UNLIKELY(count == magazine_size)) {
      flush(magazine, magazine_batch);
      count = magazine.count.load(Order::relaxed);
    }
    magazine.frames[count] = frame;
    magazine.count.store(count + 1, Order::relaxed);
    return Problem::none;
  }

  // One frame to its lane's pool. False: two CPUs freed it at once, it is left alone.
  STRATA_NOINLINE bool give_home(FrameRegion& region, Frame frame) noexcept {
    Lane& lane = this->zones_[unsigned(region.zone)].lane_with(frame);
    const LockGuard guard(lane.lock);
    FrameBlock& block = region.block_of(frame);
    if (STRATA_UNLIKELY(out(block, frame))) return false;
    lane.pool.give_one(block, frame);
    return true;
  }

  STRATA_NOINLINE bool refill(Magazine& magazine) noexcept {
    if constexpr (!built_small) magazine.tag.answer();
    if (refill_from_pools(magazine)) return true;
    return !built_small && this->take_back_blocks() && refill_from_pools(magazine);
  }
  // A CPU's first lane opens fresh blocks while the others have no more partly free ones than this:
  // few enough that whole blocks stay whole, and enough that CPUs do not meet in one's blocks.
  static constexpr unsigned spared_parts = frame_lanes == 1 ? 0 : 16;

  bool refill_from_pools(Magazine& magazine) noexcept {
    constexpr bool open = true;
    for (unsigned number = frame_zones; number-- > 0;) {
      auto& zone = this->zones_[number];
      size_t wanted = magazine_batch;
      if (const size_t kept = this->kept(number); kept != 0) {  // else no look at others' lanes
        const size_t free = zone.free_frames();
        if (free <= kept) continue;
        if (free - kept < wanted) wanted = free - kept;
      }
      const unsigned cpu = Store::cpu();
      for (unsigned n = 0; n < frame_lanes && frame_lanes > 1; ++n) {
        Lane& lane = zone.lane(lane_for(cpu, n));
        if (lane.pool.parts() <= (n == 0 ? 0 : spared_parts)) continue;
        if (refill_from(lane, wanted, !open, magazine)) return true;
      }
      for (unsigned n = 0; n < frame_lanes; ++n) {
        if (refill_from(zone.lane(lane_for(cpu, n)), wanted, open, magazine)) return true;
      }
    }
    return false;
  }
  bool refill_from(Lane& lane, size_t wanted, bool may_open, Magazine& magazine) noexcept {
    if (lane.pool.free_frames() == 0) return false;
    const LockGuard guard(lane.lock);
    if (magazine.own_lane != &lane) leave_block(magazine);
    magazine.own_lane = &lane;
    const size_t got = lane.pool.take_singles(magazine.frames, wanted, may_open, magazine.own,
                                              Tags{*this, magazine});
    magazine.count.store(got, Order::relaxed);
    return got != 0;
  }

  // The CPU fills its magazine from this block no longer. Release pairs with the acquire of who
  // forgets the block's region.
  static void leave_block(Magazine& magazine) noexcept {
    if (built_small) return;  // no CPU has a block to itself
    if (magazine.own != nullptr) magazine.own->owned.store(false, Order::release);
    magazine.own = nullptr;
  }

  // Gives back the oldest `number` frames of the magazine: the youngest are warm in the cache.
  STRATA_NOINLINE void flush(Magazine& magazine, size_t number) noexcept {
    Frame wrong;
    if constexpr (built_small) {
      for (size_t i = 0; i < number; ++i) {
        const Frame frame = magazine.frames[i];
        if (!give_home(*find(frame, magazine), frame)) wrong = frame;
      }
    } else {
      for (size_t left = number; left != 0;) {  // each lane's under one hold of its lock
        const size_t count = left;
        left = 0;
        Lane& lane = this->lane_with(magazine.frames[0]);
        const LockGuard guard(lane.lock);
        for (size_t i = 0; i < count; ++i) {
          const Frame frame = magazine.frames[i];
          if (STRATA_UNLIKELY(&this->lane_with(frame) != &lane)) {
            magazine.frames[left++] = frame;
            continue;
          }
          FrameBlock& block = find(frame, magazine)->block_of(frame);
          if (STRATA_UNLIKELY(out(block, frame))) {
            wrong = frame;  // two CPUs freed it at once: left alone
          } else {
            lane.pool.give_one(block, frame);
          }
        }
      }
    }
    if (STRATA_UNLIKELY(bool(wrong))) failed(Problem::frame_freed_twice, wrong);
    if constexpr (!built_small) magazine.tag.answer();
    const size_t left = magazine.count.load(Order::relaxed) - number;
    for (size_t i = 0; i < left; ++i) magazine.frames[i] = magazine.frames[number + i];
    magazine.count.store(left, Order::relaxed);
  }

  // ---- whole blocks ----

  // A block that is handed out now, or nullptr: then the pools are to be asked.
  STRATA_NOINLINE FrameBlock* get_block() noexcept {
    [[maybe_unused]] const typename Machine::CpuGuard guard;
    BlockMagazine& magazine = this->block_magazines_[Machine::cpu()];
    FrameBlock* block = magazine.take();
    if (STRATA_UNLIKELY(block == nullptr)) block = refill_blocks(magazine);
    if (STRATA_LIKELY(block != nullptr)) block->whole.mark();
    return block;
  }

  // False: not a block that is out as one; nothing has changed.
  STRATA_NOINLINE bool put_block(Frame first) noexcept {
    if (first.number % frames_per_block != 0) return false;
    [[maybe_unused]] const typename Machine::CpuGuard guard;
    const unsigned cpu = Machine::cpu();
    FrameRegion* region = find(first, magazines_[cpu]);
    if (region == nullptr) return false;
    FrameBlock* block = &region->block_of(first);
    if (!block->whole.clear()) return false;
    if (STRATA_UNLIKELY(region->bypass.load(Order::relaxed))) {
      this->give_blocks(&block, 1);
      return true;
    }
    BlockMagazine& magazine = this->block_magazines_[cpu];
    if (STRATA_UNLIKELY(magazine.full())) flush_blocks(magazine, BlockMagazine::batch);
    magazine.put(block);
    return true;
  }

  // Where blocks are few, few are taken: others would have to take them back.
  STRATA_NOINLINE FrameBlock* refill_blocks(BlockMagazine& magazine) noexcept {
    FrameBlock* blocks[BlockMagazine::batch];
    auto& zone = this->zones_[this->top_zone()];
    unsigned got = 0;
    for (unsigned n = 0; n < frame_lanes && got == 0; ++n) {
      Lane& lane = zone.lane(lane_for(Store::cpu(), n));
      const LockGuard guard(lane.lock);
      const size_t share = lane.pool.free_blocks() / BlockMagazine::size + 1;
      got = lane.pool.take_blocks(
          blocks, share < BlockMagazine::batch ? unsigned(share) : BlockMagazine::batch);
    }
    if (got == 0) return nullptr;
    while (got > 1) magazine.put(blocks[--got]);
    return blocks[0];
  }

  STRATA_NOINLINE void flush_blocks(BlockMagazine& magazine, unsigned from) noexcept {
    FrameBlock* blocks[BlockMagazine::size];
    this->give_blocks(blocks, magazine.empty(blocks, from));
  }

  size_t own_frames_ = 0;
  Magazine magazines_[Machine::max_cpus];
};

}  // namespace strata
