// RegionDirectory: finds the region of a frame. A sorted array, searched by halves without a lock.
//
// Writers (adding and removing memory, rare) hold the caller's lock and make the sequence odd while
// they move entries; a reader that saw it odd, or changed, looks again. Entries are read as
// atomics. Growing copies the array to a bigger place that the caller provides and keeps the old
// one readable for ever, for readers that are still in it: at most as much again as the array
// itself.
//
// Cost: O(log regions), and a caller who remembers a region with the sequence of that time may skip
// even that. No limit on the number of regions.
#pragma once

#include "base/atomic.hpp"
#include "frames/region.hpp"

namespace strata {

class RegionDirectory {
 public:
  // `entries` has room for `capacity` pointers and outlives the directory.
  void start(FrameRegion** entries, size_t capacity) noexcept {
    entries_.store(entries, Order::relaxed);
    capacity_ = capacity;
  }

  [[nodiscard]] bool full() const noexcept { return count_.load(Order::relaxed) == capacity_; }
  STRATA_TINY [[nodiscard]] size_t size() const noexcept { return count_.load(Order::relaxed); }
  [[nodiscard]] size_t capacity() const noexcept { return capacity_; }
  // For walks, while no writer is active.
  STRATA_TINY [[nodiscard]] FrameRegion* at(size_t index) const noexcept {
    return entries_.load(Order::relaxed)[index];
  }
  // Changes with every write; even.
  [[nodiscard]] std::uint64_t sequence() const noexcept {
    // Acquire pairs with the release in Writing's end: entries of that time or later are seen.
    return sequence_.load(Order::acquire);
  }

  [[nodiscard]] FrameRegion* find(Frame frame) const noexcept {
    for (;;) {
      const std::uint64_t before = sequence();
      FrameRegion* found = search(frame);
      // The fence keeps the loads of search() before the second look at the sequence.
      __atomic_thread_fence(__ATOMIC_ACQUIRE);
      if ((before & 1) == 0 && sequence_.load(Order::relaxed) == before) return found;
      cpu_relax();
    }
  }

  // True when [first, end) touches no region, metadata included. Under the caller's lock.
  [[nodiscard]] bool is_clear(Frame first, Frame end) const noexcept {
    for (size_t i = 0; i < size(); ++i) {
      const FrameRegion& region = *at(i);
      if (first.number < region.end.number && region.first.number < end.number) return false;
    }
    return true;
  }

  void insert(FrameRegion* region) noexcept {
    const Writing writing(*this);
    size_t index = size();
    for (; index > 0 && at(index - 1)->first.number > region->first.number; --index) {
      set(index, at(index - 1));
    }
    set(index, region);
    count_.store(size() + 1, Order::relaxed);
  }

  void remove(FrameRegion* region) noexcept {
    const Writing writing(*this);
    size_t index = 0;
    while (at(index) != region) ++index;
    count_.store(size() - 1, Order::relaxed);
    for (; index < size(); ++index) set(index, at(index + 1));
  }

  void grow(FrameRegion** entries, size_t capacity) noexcept {
    const Writing writing(*this);
    for (size_t i = 0; i < size(); ++i) entries[i] = at(i);
    start(entries, capacity);
  }

 private:
  // Holds the sequence odd. Writers exclude each other by the caller's lock.
  class Writing {
   public:
    STRATA_TINY explicit Writing(RegionDirectory& directory) noexcept : directory_(directory) {
      directory_.sequence_.store(directory_.sequence_.load(Order::relaxed) + 1, Order::relaxed);
      __atomic_thread_fence(__ATOMIC_RELEASE);  // odd is seen before any entry moves
    }
    STRATA_TINY ~Writing() {
      directory_.sequence_.store(directory_.sequence_.load(Order::relaxed) + 1, Order::release);
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;

   private:
    RegionDirectory& directory_;
  };

  STRATA_TINY void set(size_t index, FrameRegion* region) noexcept {
    __atomic_store_n(entries_.load(Order::relaxed) + index, region, __ATOMIC_RELAXED);
  }

  [[nodiscard]] FrameRegion* search(Frame frame) const noexcept {
    FrameRegion** entries = entries_.load(Order::relaxed);
    size_t low = 0;
    size_t high = count_.load(Order::relaxed);
    while (low < high) {  // the last region whose first frame is not behind `frame`
      const size_t middle = (low + high) / 2;
      const FrameRegion* region = __atomic_load_n(entries + middle, __ATOMIC_RELAXED);
      if (region->first.number <= frame.number) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == 0) return nullptr;
    FrameRegion* region = __atomic_load_n(entries + low - 1, __ATOMIC_RELAXED);
    return region->holds(frame) ? region : nullptr;
  }

  Atomic<FrameRegion**> entries_;
  Atomic<size_t> count_;
  Atomic<std::uint64_t> sequence_;
  size_t capacity_ = 0;  // written by writers
};

}  // namespace strata
