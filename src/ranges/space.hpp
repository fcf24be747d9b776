// Space: address ranges with frames under them. Storey 2 as a kernel uses it.
//
//   allocate      a range, all of it mapped        free      unmaps what is mapped, checks the size
//   reserve       a range, nothing mapped          extend, trim   in place
//   commit        frames under part of a range     decommit  frames back, addresses kept
//
// One life of a range that is given back, and the order that keeps it safe:
//
//   unmap (page tables) -> frames and addresses wait -> ONE flush for many ranges -> frames free,
//                                                      addresses reusable
//
// A frame is never freed before the flush that follows its unmapping: until then another CPU may
// still write to it. What waits is bounded: min(32 MiB, 1/16 of RAM), or a page full of runs; and
// out of frames or addresses settles early, once, before a request is refused.
//
// Partial failure (no frame, no page table, a machine that refuses) undoes what was done: mappings,
// frames and ranges are as before the call. Where size and frames allow, frames come as whole 2 MiB
// blocks under 2 MiB of addresses, so that map() may use one large entry.
//
// Thread-safe by one lock, held while page tables are written. Lock order: ours, then Frames'.
// All state is carved from frames. Costs: O(pages) to map and unmap, else as Arena.
#pragma once

#include "ranges/arena.hpp"
#include "ranges/frame_tag_memory.hpp"

namespace strata {

struct SpaceStatistics {
  ArenaStatistics ranges;
  size_t mapped_pages = 0;
  size_t waiting_pages = 0;  // unmapped, flush outstanding
  size_t tag_frames = 0;
  size_t flushes = 0;
  size_t large_maps = 0;  // 2 MiB at a time
};

template <PagedMachine Machine>
class Space {
 public:
  static constexpr size_t most_waiting_pages = 32 * MiB / frame_size;

  // nullptr when there are too few frames. The space may hand out the window's addresses.
  static Space* start(Frames<Machine>& frames, Address window, size_t bytes) noexcept {
    const size_t own = divide_up(sizeof(Space), frame_size);
    const FrameRun home = frames.allocate({.count = own});
    const Frame waiting = home.first ? frames.get() : Frame{};
    if (!waiting) {
      if (home.first) frames.free(home.first, own);
      return nullptr;
    }
    auto* space = new (Machine::direct(home.first)) Space(frames);
    space->waiting_ = static_cast<FrameRun*>(Machine::direct(waiting));
    const size_t share = frames.managed_frames() / 16;
    space->waiting_limit_ = share < most_waiting_pages ? share : most_waiting_pages;
    space->own_frames_ = own + 1;
    if (space->arena_.add_window(window, bytes)) return space;
    space->stop();
    return nullptr;
  }

  // Gives every frame back, ours included. Nothing of the space may be in use.
  void stop() noexcept {
    settle_locked();
    arena_.release_quarantine(0);
    arena_.release();
    Frames<Machine>& frames = frames_;
    const size_t count = own_frames_ - 1;
    frames.put(memory_.frame_of(waiting_));
    frames.free(memory_.frame_of(this), count);
  }

  bool add_window(Address window, size_t bytes) noexcept {
    const LockGuard guard(lock_);
    return arena_.add_window(window, bytes);
  }
  void set_quarantine(size_t bytes) noexcept {
    const LockGuard guard(lock_);
    arena_.set_quarantine(bytes);
  }

  [[nodiscard]] STRATA_NOINLINE Address reserve(const RangeRequest& request) noexcept {
    const LockGuard guard(lock_);
    return reserve_locked(request);
  }

  [[nodiscard]] Address allocate(const RangeRequest& request,
                                 Access access = Access::read_write) noexcept {
    const LockGuard guard(lock_);
    const Address base = reserve_locked(request);
    if (base == 0) return 0;
    if (commit_locked(base, pages_in(request.bytes), access, false)) return base;
    arena_.retire(base, request.bytes);
    settle_locked();
    return 0;
  }

  // Exactly [base, + bytes), nothing mapped.
  bool reserve_at(Address base, size_t bytes) noexcept {
    const LockGuard guard(lock_);
    return arena_.allocate_at(base, bytes);
  }

  // Puts frames under pages of a range that have none. All or nothing. `zeroed`: they read zero.
  STRATA_NOINLINE bool commit(Address base, size_t bytes, Access access = Access::read_write,
                              bool zeroed = false) noexcept {
    const LockGuard guard(lock_);
    return commit_locked(base, pages_in(bytes), access, zeroed);
  }

  // Takes the frames back, the addresses stay the caller's. False when a large entry could not be
  // split for want of a frame: then the rest, from that entry on, stays mapped.
  STRATA_NOINLINE bool decommit(Address base, size_t bytes) noexcept {
    const LockGuard guard(lock_);
    return unmap_locked(base, pages_in(bytes));
  }

  STRATA_NOINLINE bool free(Address base, size_t bytes) noexcept {
    const LockGuard guard(lock_);
    const Problem problem = arena_.retire(base, bytes);
    if (problem != Problem::none) return failed(problem, base);
    unmap_locked(base, pages_in(bytes));  // whole entries only: cannot fail
    if (waiting_pages_ + (arena_.dirty_bytes() >> frame_shift) > waiting_limit_) settle_locked();
    return true;
  }

  // In place, with frames under the new part. False: nothing has changed.
  bool extend(Address base, size_t bytes, size_t new_bytes) noexcept {
    const LockGuard guard(lock_);
    if (!arena_.extend(base, bytes, new_bytes)) {
      settle_locked();  // what follows may be waiting for it
      if (!arena_.extend(base, bytes, new_bytes)) return false;
    }
    const size_t pages = pages_in(bytes);
    if (commit_locked(base + pages * frame_size, pages_in(new_bytes) - pages, Access::read_write,
                      false)) {
      return true;
    }
    settle_locked();
    arena_.trim(base, new_bytes, bytes, false);
    return false;
  }

  bool trim(Address base, size_t bytes, size_t new_bytes) noexcept {
    const LockGuard guard(lock_);
    if (!arena_.is_used(base, bytes) || new_bytes == 0 || new_bytes > bytes) return false;
    const size_t keep = pages_in(new_bytes);
    if (!unmap_locked(base + keep * frame_size, pages_in(bytes) - keep)) return false;
    return arena_.trim(base, bytes, new_bytes, true);
  }

  // Addresses that are free.
  [[nodiscard]] size_t free_bytes() noexcept {
    const LockGuard guard(lock_);
    return arena_.free_bytes();
  }

  // Free memory that a user above may keep without harm: 8 MiB, or 1/16 of a small RAM.
  [[nodiscard]] size_t comfortable_bytes() const noexcept {
    const size_t share = waiting_limit_ * frame_size;
    return share < 8 * MiB ? share : 8 * MiB;
  }

  // Flushes once; everything that waits becomes free. After it, old addresses are dead on all CPUs.
  void settle() noexcept {
    const LockGuard guard(lock_);
    settle_locked();
  }

  [[nodiscard]] SpaceStatistics statistics() noexcept {
    const LockGuard guard(lock_);
    SpaceStatistics sum;
    sum.ranges = arena_.statistics();
    sum.mapped_pages = mapped_pages_;
    sum.flushes = flushes_;
    sum.large_maps = large_maps_;
    sum.waiting_pages = waiting_pages_;
    sum.tag_frames = memory_.taken() + own_frames_;
    return sum;
  }
  template <class Visit>
  void walk(Visit&& visit) noexcept {
    const LockGuard guard(lock_);
    arena_.walk(visit);
  }
  [[nodiscard]] bool check() noexcept {
    const LockGuard guard(lock_);
    return arena_.check();
  }

 private:
  static constexpr size_t waiting_runs = frame_size / sizeof(FrameRun);
  static constexpr size_t small_run = 32;  // frames asked for at once where blocks do not fit

  explicit Space(Frames<Machine>& frames) noexcept
      : frames_(frames), memory_(frames), arena_(memory_) {}

  static size_t pages_in(size_t bytes) noexcept { return divide_up(bytes, frame_size); }
  static bool failed(Problem problem, Address address) noexcept {
    Machine::fail(problem, address);
    return false;
  }

  Address reserve_locked(RangeRequest request) noexcept {
    const Address base = arena_.allocate(request);
    if (base != 0) return base;
    settle_locked();
    arena_.release_quarantine(0);
    request.thorough = true;
    return arena_.allocate(request);
  }

  bool commit_locked(Address base, size_t pages, Access access, bool zeroed) noexcept {
    // A stale translation of these very pages would lead to their old frames.
    if (base < flush_high_ && base + pages * frame_size > flush_low_) flush_frames();
    size_t done = 0;
    while (done < pages) {
      const Address at = base + done * frame_size;
      const FrameRun run = take_frames(at, pages - done);
      if (!run.first) break;
      if (zeroed) __builtin_memset(Machine::direct(run.first), 0, run.count * frame_size);
      if (!map(at, run, access)) {
        frames_.free(run.first, run.count);  // never mapped: needs no flush
        break;
      }
      done += run.count;
    }
    mapped_pages_ += done;
    if (done == pages) return true;
    if (done != 0) {
      unmap_locked(base, done);
      settle_locked();
    }
    return false;
  }

  bool map(Address at, FrameRun run, Access access) noexcept {
    if (Machine::map(at, run.first, run.count, access)) {
      if (run.count == frames_per_block) ++large_maps_;
      return true;
    }
    return false;
  }

  // Frames for the pages from `at` on: a block where it fits, else a short run, else what there is.
  FrameRun take_frames(Address at, size_t pages) noexcept {
    if (pages >= frames_per_block && at % (frames_per_block * frame_size) == 0) {
      const FrameRun run =
          frames_.allocate({.count = frames_per_block, .alignment = frames_per_block});
      if (run.first) return run;
    }
    const size_t to_block = frames_per_block - (at >> frame_shift) % frames_per_block;
    size_t count = pages < to_block ? pages : to_block;
    if (count > small_run) count = small_run;
    if (count > 1) {
      const FrameRun run = frames_.allocate({.count = count});
      if (run.first) return run;
    }
    Frame frame = frames_.get();
    if (!frame && waiting_count_ != 0) {
      settle_locked();
      frame = frames_.get();
    }
    return {frame, 1};
  }

  bool unmap_locked(Address base, size_t pages) noexcept {
    while (pages != 0) {
      const FrameRun run = Machine::unmap(base, pages);
      if (run.count == 0) return false;
      if (run.first) {
        wait_for_flush(base, run);
        mapped_pages_ -= run.count;
      }
      base += run.count * frame_size;
      pages -= run.count;
    }
    return true;
  }

  void wait_for_flush(Address at, FrameRun run) noexcept {
    if (waiting_count_ == waiting_runs || waiting_pages_ > waiting_limit_) flush_frames();
    // Joining is safe: a region ends in its own metadata, so runs of two regions never touch.
    FrameRun& last = waiting_[waiting_count_ == 0 ? 0 : waiting_count_ - 1];
    if (waiting_count_ != 0 && last.first + last.count == run.first) {
      last.count += run.count;
    } else {
      waiting_[waiting_count_++] = run;
    }
    waiting_pages_ += run.count;
    if (at < flush_low_) flush_low_ = at;
    if (at + run.count * frame_size > flush_high_) flush_high_ = at + run.count * frame_size;
  }

  // One flush over all that was unmapped since the last, then the frames are free.
  void flush_frames() noexcept {
    if (waiting_count_ == 0) return;
    Machine::flush(flush_low_, (flush_high_ - flush_low_) >> frame_shift);
    ++flushes_;
    for (size_t i = 0; i < waiting_count_; ++i) frames_.free(waiting_[i].first, waiting_[i].count);
    waiting_count_ = waiting_pages_ = 0;
    flush_low_ = ~Address{0};
    flush_high_ = 0;
  }

  void settle_locked() noexcept {
    flush_frames();
    arena_.settle();
  }

  Frames<Machine>& frames_;
  FrameTagMemory<Machine> memory_;
  typename Machine::Lock lock_{};  // guards everything below and above
  FrameRun* waiting_ = nullptr;    // a page of runs whose flush is outstanding
  size_t waiting_count_ = 0;
  size_t waiting_pages_ = 0;
  size_t waiting_limit_ = 0;
  Address flush_low_ = ~Address{0};  // hull of what is to be flushed
  Address flush_high_ = 0;
  size_t own_frames_ = 0;
  size_t mapped_pages_ = 0;
  size_t flushes_ = 0;
  size_t large_maps_ = 0;
  Arena<FrameTagMemory<Machine>> arena_;
};

}  // namespace strata
