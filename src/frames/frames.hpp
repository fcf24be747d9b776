// Frames: storey 1. Hands out physical page frames of any number of scattered spans of RAM.
//
//   get(), put(frame)          one frame, through this CPU's magazine: no lock, no search
//   allocate(request), free()  runs of any length and alignment, zones, limits
//   add(), set_offline(), remove()   memory comes and goes while the machine runs
//
//   CPU 0 magazine   CPU 1 magazine      64 single frames each, refilled and flushed by 32
//          \            /
//     zone `any`   zone `below_4gib`   zone `isa`     a lock each; requests fall through downward
//        |              |                  |
//     regions: whole 2 MiB blocks in a span core, parts of blocks in lists by fullness
//
// All state, this object included, is carved from the RAM it manages: start() needs no memory.
// Every free is checked in O(1): a frame that is not managed, or not handed out, goes to
// Machine::fail and changes nothing. Running out of memory is an empty answer, nothing else.
//
// What a zone below the topmost one keeps for those who ask for it: 1/32 of its frames. Frames in
// other CPUs' magazines (at most 64 each) are out of reach of a request; drain() on that CPU
// returns them.
//
// A run may be freed in pieces, and pieces together, as long as every frame is handed out.
// Memory order: a frame's own words carry no data between CPUs, so atomics on them are relaxed;
// who passes a frame to another CPU orders its contents.
#pragma once

#include <new>

#include "base/attributes.hpp"
#include "base/lock_guard.hpp"
#include "frames/directory.hpp"
#include "frames/memory_map.hpp"
#include "frames/zone_pool.hpp"
#include "platform/paged_machine.hpp"

namespace strata {

struct FrameRequest {
  size_t count = 1;
  size_t alignment = 1;             // in frames, a power of two
  FrameZone zone = FrameZone::any;  // the highest zone that will do
  FrameLimits limits{};             // set any of them and the search is O(blocks)
  bool may_use_reserve = false;
};

struct FrameStatistics {
  size_t managed = 0;      // frames that can be handed out
  size_t pool = 0;         // free, in the zones' pools
  size_t magazines = 0;    // free, in magazines; exact while no CPU is getting or putting
  size_t metadata = 0;     // frames we use ourselves
  size_t free_blocks = 0;  // whole 2 MiB blocks free
  size_t longest_blocks = 0;
  size_t regions = 0;
  std::uint64_t lost_bytes = 0;  // spans too small to carry their own metadata

  [[nodiscard]] size_t out() const noexcept { return managed - pool - magazines; }
};

template <PagedMachine Machine>
class Frames {
 public:
  static constexpr size_t magazine_size = 64;
  static constexpr size_t magazine_batch = magazine_size / 2;
  static constexpr size_t reserve_divisor = 32;

  // Starts on the part of the map below `mapped_limit`, where Machine::direct works already; add()
  // the rest with add_from() when it does everywhere. nullptr when there is no room even for us.
  template <class Map>
  static Frames* start(const Map& map, std::uint64_t mapped_limit) noexcept {
    const size_t capacity = map.size() * 2 + 16;
    const size_t own = divide_up(sizeof(Frames) + capacity * sizeof(void*), frame_size);
    // The span we live in: the first above 16 MiB that can spare it, else the largest one.
    size_t best = map.size();
    for (size_t i = 0; i < map.size(); ++i) {
      const MemorySpan span = below(map[i], mapped_limit);
      if (span.bytes() / frame_size < own + 2) continue;
      if (best == map.size() || span.bytes() > below(map[best], mapped_limit).bytes()) best = i;
      if (span.base >= zone_end(FrameZone::isa) && span.bytes() / 64 > own * frame_size) break;
    }
    if (best == map.size()) return nullptr;
    const Frame home = Frame::at(below(map[best], mapped_limit).end - own * frame_size);
    auto* memory = static_cast<unsigned char*>(Machine::direct(home));
    auto* frames = new (memory) Frames;
    frames->own_frames_ = own;
    frames->directory_.start(reinterpret_cast<FrameRegion**>(memory + sizeof(Frames)), capacity);
    for (size_t i = 0; i < map.size(); ++i) {
      MemorySpan span = below(map[i], mapped_limit);
      if (i == best) span.end = home.address();
      frames->add_span(span);
    }
    return frames;
  }

  // Adds the part of the map from `mapped_limit` on that start() left out.
  template <class Map>
  void add_from(const Map& map, std::uint64_t mapped_limit) noexcept {
    for (const MemorySpan& span : map) {
      add_span({span.base > mapped_limit ? span.base : mapped_limit, span.end});
    }
  }

  // Adds memory while running. False, and nothing changed, when it overlaps what is there.
  bool add(MemorySpan span) noexcept {
    span = {align_up(span.base, frame_size), align_down(span.end, frame_size)};
    if (span.base >= span.end || span.end > std::uint64_t{1} << 52) return false;
    return add_span(span);
  }

  // While true, only one CPU calls us, and counting needs no locked instructions. A kernel may say
  // so between start() and the moment it starts a second CPU.
  void set_alone(bool alone) noexcept { alone_ = alone; }

  // ---- single frames ----

  [[nodiscard]] Frame get() noexcept {
    [[maybe_unused]] const typename Machine::CpuGuard guard;
    Magazine& magazine = magazines_[Machine::cpu()];
    if (STRATA_UNLIKELY(magazine.count.load(Order::relaxed) == 0)) {
      if (!refill(magazine)) return {};
    }
    const size_t count = magazine.count.load(Order::relaxed) - 1;
    magazine.count.store(count, Order::relaxed);
    const Frame frame = magazine.frames[count];
    const FrameRegion* region = find(frame, magazine);
    set_out(region->block_of(frame).out[word_of(frame)], frame.number % 64);
    return frame;
  }

  // False when the frame was not ours to take; Machine::fail has been told.
  bool put(Frame frame) noexcept {
    Problem problem;
    {
      [[maybe_unused]] const typename Machine::CpuGuard guard;
      Magazine& magazine = magazines_[Machine::cpu()];
      problem = put_in(magazine, frame);
    }
    if (STRATA_LIKELY(problem == Problem::none)) return true;
    Machine::fail(problem, Address(frame.address()));
    return false;
  }

  // Gives this CPU's magazine back to the pools: before the CPU goes idle or away.
  void drain() noexcept {
    [[maybe_unused]] const typename Machine::CpuGuard guard;
    Magazine& magazine = magazines_[Machine::cpu()];
    flush(magazine, magazine.count.load(Order::relaxed));
  }

  // ---- runs ----

  [[nodiscard]] FrameRun allocate(const FrameRequest& request) noexcept {
    const FrameLimits& limits = request.limits;
    const bool limited = limits.min.number != 0 || limits.max || limits.boundary != 0;
    if (request.count == 0 || !is_power_of_two(request.alignment)) return {};
    const unsigned top = top_zone_.load(Order::relaxed);
    for (unsigned zone = unsigned(request.zone) + 1; zone-- > 0;) {
      const LockGuard guard(zones_[zone].lock);
      ZonePool& pool = zones_[zone].pool;
      const bool spare = zone < top && zone != unsigned(request.zone) && !request.may_use_reserve;
      const size_t kept = spare ? pool.managed_frames() / reserve_divisor : 0;
      if (pool.free_frames() < kept + request.count) continue;
      if (request.count == frames_per_block && request.alignment <= frames_per_block && !limited) {
        if (FrameBlock* block = pool.take_whole_block()) {
          block->mark_all(true);
          return {block->frame(0), frames_per_block};
        }
      }
      const FrameRun run = limited ? pool.take_within(request.count, request.alignment, limits)
                                   : pool.take_run(request.count, request.alignment);
      if (run.first) {
        mark(*directory_.find(run.first), run.first, run.count, true);
        return run;
      }
    }
    return {};
  }

  // Gives back `count` frames from `first` on, all of them handed out, all of one region. Anything
  // else: false, Machine::fail has been told, and nothing has changed.
  bool free(Frame first, size_t count) noexcept {
    if (count == 1) return put(first);
    FrameRegion* region = directory_.find(first);
    if (region == nullptr || count == 0 || count > region->metadata.number - first.number) {
      return failed(Problem::frame_not_ours, first);
    }
    const LockGuard guard(zones_[unsigned(region->zone)].lock);
    if (count == frames_per_block && first.number % frames_per_block == 0) {
      FrameBlock& block = region->block_of(first);
      if (!block.all_out()) return failed(Problem::frame_freed_twice, first);
      block.mark_all(false);
      zones_[unsigned(region->zone)].pool.give_whole_block(*region, block);
      return true;
    }
    if (!all_out(*region, first, count)) return failed(Problem::frame_freed_twice, first);
    mark(*region, first, count, false);
    zones_[unsigned(region->zone)].pool.give(*region, first, count);
    return true;
  }

  // ---- memory that goes away ----

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
    const LockGuard guard(zones_[unsigned(region->zone)].lock);
    if (!zones_[unsigned(region->zone)].pool.remove(*region)) return false;
    directory_.remove(region);
    update_zones();
    return true;
  }

  // ---- looking ----

  [[nodiscard]] FrameStatistics statistics() noexcept {
    const LockGuard writing(directory_lock_);
    FrameStatistics sum;
    sum.metadata = own_frames_;
    sum.lost_bytes = lost_bytes_;
    sum.regions = directory_.size();
    for (size_t i = 0; i < directory_.size(); ++i) {
      const FrameRegion& region = *directory_.at(i);
      sum.managed += region.frames();
      sum.metadata += size_t(region.end.number - region.metadata.number);
    }
    for (Zone& zone : zones_) {
      const LockGuard guard(zone.lock);
      sum.pool += zone.pool.free_frames();
      sum.free_blocks += zone.pool.free_blocks();
      const size_t longest = zone.pool.longest_run_blocks();
      if (longest > sum.longest_blocks) sum.longest_blocks = longest;
    }
    for (const Magazine& magazine : magazines_) {
      sum.magazines += magazine.count.load(Order::relaxed);
    }
    return sum;
  }

  [[nodiscard]] size_t free_frames(FrameZone zone) noexcept {
    const LockGuard guard(zones_[unsigned(zone)].lock);
    return zones_[unsigned(zone)].pool.free_frames();
  }

  // True when the frame is handed out now.
  [[nodiscard]] bool is_out(Frame frame) const noexcept {
    const FrameRegion* region = directory_.find(frame);
    if (region == nullptr) return false;
    return (region->block_of(frame).out[word_of(frame)].load(Order::relaxed) & bit_of(frame)) != 0;
  }

  // Calls visit(const FrameRegion&) in order of address.
  template <class Visit>
  void walk(Visit&& visit) noexcept {
    const LockGuard writing(directory_lock_);
    for (size_t i = 0; i < directory_.size(); ++i) visit(*directory_.at(i));
  }

  // True when every invariant holds. O(frames / 64); no CPU may be getting or putting.
  [[nodiscard]] bool check() noexcept {
    bool good = true;
    for (Zone& zone : zones_) {
      const LockGuard guard(zone.lock);
      good &= zone.pool.check();
    }
    for (const Magazine& magazine : magazines_) {
      for (size_t i = 0; i < magazine.count.load(Order::relaxed); ++i) {
        const FrameRegion* region = directory_.find(magazine.frames[i]);
        if (region == nullptr) return false;
        const FrameBlock& block = region->block_of(magazine.frames[i]);
        const size_t word = word_of(magazine.frames[i]);
        const std::uint64_t bits = block.pool[word] | block.out[word].load(Order::relaxed);
        good &= (bits & bit_of(magazine.frames[i])) == 0;
      }
    }
    return good;
  }

 private:
  // Written by its own CPU only; `count` is an atomic because statistics() reads it from others.
  struct alignas(cache_line) Magazine {
    Atomic<size_t> count;
    FrameRegion* recent = nullptr;                      // region found last
    std::uint64_t recent_sequence = ~std::uint64_t{0};  // the directory's then; odd: never
    Frame frames[magazine_size];
  };
  struct alignas(cache_line) Zone {
    typename Machine::Lock lock{};
    ZonePool pool;
  };

  Frames() noexcept = default;

  static MemorySpan below(MemorySpan span, std::uint64_t limit) noexcept {
    if (span.end > limit) span.end = limit;
    if (span.base > span.end) span.base = span.end;
    return span;
  }
  static size_t word_of(Frame frame) noexcept { return frame.number % frames_per_block / 64; }
  static std::uint64_t bit_of(Frame frame) noexcept {
    return std::uint64_t{1} << (frame.number % 64);
  }
  bool failed(Problem problem, Frame frame) noexcept {
    Machine::fail(problem, Address(frame.address()));
    return false;
  }

  FrameRegion* find(Frame frame, Magazine& magazine) const noexcept {
    if (STRATA_LIKELY(magazine.recent_sequence == directory_.sequence() &&
                      magazine.recent->holds(frame))) {
      return magazine.recent;
    }
    return find_again(frame, magazine);
  }
  STRATA_NOINLINE FrameRegion* find_again(Frame frame, Magazine& magazine) const noexcept {
    const std::uint64_t sequence = directory_.sequence();
    FrameRegion* region = directory_.find(frame);
    if (region != nullptr && (sequence & 1) == 0) {
      magazine.recent = region;
      magazine.recent_sequence = sequence;
    }
    return region;
  }

  STRATA_INLINE void set_out(Atomic<std::uint64_t>& word, unsigned bit) noexcept {
    if (alone_) {
      word.store(word.load(Order::relaxed) | std::uint64_t{1} << bit, Order::relaxed);
    } else {
      word.fetch_or(std::uint64_t{1} << bit, Order::relaxed);
    }
  }
  // True when the bit was set.
  STRATA_INLINE bool clear_out(Atomic<std::uint64_t>& word, unsigned bit) noexcept {
    if (!alone_) return word.reset_bit(bit, Order::relaxed);
    const std::uint64_t before = word.load(Order::relaxed);
    word.store(before & ~(std::uint64_t{1} << bit), Order::relaxed);
    return (before >> bit & 1) != 0;
  }

  STRATA_INLINE Problem put_in(Magazine& magazine, Frame frame) noexcept {
    FrameRegion* region = find(frame, magazine);
    if (STRATA_UNLIKELY(region == nullptr)) return Problem::frame_not_ours;
    if (STRATA_UNLIKELY(
            !clear_out(region->block_of(frame).out[word_of(frame)], frame.number % 64))) {
      return Problem::frame_freed_twice;
    }
    if (STRATA_UNLIKELY(region->bypass.load(Order::relaxed))) {
      const LockGuard guard(zones_[unsigned(region->zone)].lock);
      zones_[unsigned(region->zone)].pool.give(*region, frame, 1);
      return Problem::none;
    }
    if (STRATA_UNLIKELY(magazine.count.load(Order::relaxed) == magazine_size)) {
      flush(magazine, magazine_batch);
    }
    const size_t count = magazine.count.load(Order::relaxed);
    magazine.frames[count] = frame;
    magazine.count.store(count + 1, Order::relaxed);
    return Problem::none;
  }

  STRATA_NOINLINE bool refill(Magazine& magazine) noexcept {
    const unsigned top = top_zone_.load(Order::relaxed);
    for (unsigned zone = frame_zones; zone-- > 0;) {
      const LockGuard guard(zones_[zone].lock);
      ZonePool& pool = zones_[zone].pool;
      const size_t kept = zone < top ? pool.managed_frames() / reserve_divisor : 0;
      if (pool.free_frames() <= kept) continue;
      const size_t there = pool.free_frames() - kept;
      const size_t got =
          pool.take_singles(magazine.frames, there < magazine_batch ? there : magazine_batch);
      magazine.count.store(got, Order::relaxed);
      if (got != 0) return true;
    }
    return false;
  }

  // Gives back the oldest `number` frames of the magazine: the youngest are warm in the cache.
  STRATA_NOINLINE void flush(Magazine& magazine, size_t number) noexcept {
    size_t i = 0;
    while (i < number) {
      FrameRegion* region = find(magazine.frames[i], magazine);
      const FrameZone zone = region->zone;
      const LockGuard guard(zones_[unsigned(zone)].lock);
      while (i < number) {
        region = find(magazine.frames[i], magazine);
        if (region->zone != zone) break;
        zones_[unsigned(zone)].pool.give(*region, magazine.frames[i++], 1);
      }
    }
    const size_t left = magazine.count.load(Order::relaxed) - number;
    for (i = 0; i < left; ++i) magazine.frames[i] = magazine.frames[number + i];
    magazine.count.store(left, Order::relaxed);
  }

  template <class Act>
  static void each_block(FrameRegion& region, Frame first, size_t count, Act&& act) noexcept {
    while (count != 0) {
      const size_t index = first.number % frames_per_block;
      const size_t here = count < frames_per_block - index ? count : frames_per_block - index;
      act(region.block_of(first), index, here);
      first = first + here;
      count -= here;
    }
  }
  // Sets or clears the out bits of frames that are the caller's. A word all of which is needs no
  // atomic step: nobody else may change it.
  static void mark(FrameRegion& region, Frame first, size_t count, bool out) noexcept {
    each_block(region, first, count, [out](FrameBlock& block, size_t index, size_t here) {
      FrameBlock::for_words(index, here, [&](size_t word, std::uint64_t mask) {
        if (mask == ~std::uint64_t{0}) {
          block.out[word].store(out ? mask : 0, Order::relaxed);
        } else if (out) {
          block.out[word].fetch_or(mask, Order::relaxed);
        } else {
          block.out[word].fetch_and(~mask, Order::relaxed);
        }
      });
    });
  }
  static bool all_out(FrameRegion& region, Frame first, size_t count) noexcept {
    bool all = true;
    each_block(region, first, count, [&](FrameBlock& block, size_t index, size_t here) {
      FrameBlock::for_words(index, here, [&](size_t word, std::uint64_t mask) {
        all &= (block.out[word].load(Order::relaxed) & mask) == mask;
      });
    });
    return all;
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
    const LockGuard guard(zones_[unsigned(zone)].lock);
    zones_[unsigned(zone)].pool.add(*region);
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
    {
      const LockGuard guard(zones_[unsigned(region->zone)].lock);
      ZonePool& pool = zones_[unsigned(region->zone)].pool;
      offline ? pool.set_offline(*region) : pool.set_online(*region);
    }
    update_zones();
    return true;
  }

  Zone zones_[frame_zones];
  Magazine magazines_[Machine::max_cpus];
  RegionDirectory directory_;
  typename Machine::Lock directory_lock_{};  // taken before a zone's lock
  Atomic<unsigned> top_zone_;                // written under directory_lock_
  bool alone_ = false;                       // written while one CPU runs
  std::uint64_t lost_bytes_ = 0;             // guarded by directory_lock_, as is the next
  size_t own_frames_ = 0;
};

}  // namespace strata
