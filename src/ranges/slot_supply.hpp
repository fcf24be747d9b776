// The supply of slots for the whole process: the primary range, annexes, and the purging of both.
//
// The primary range is reserved once, as large as the system allows (1 TiB). When it is full, or
// could only be small (`ulimit -v`, strict overcommit), annexes follow. The hot paths look at the
// primary range alone, through `primary_view`; annex pointers take a longer way.
//
// Purging. Dirty runs wait in the order of their age. Whoever gives a run back purges the oldest
// ones as long as more than the limit is dirty, and those past their delay; so the thread that
// frees pays, and no thread is needed in the background. A program that has several threads anyway
// gets one more when it passes the limit: the worker purges what has been free for a fifth of the
// delay (all of it past the delay), so that memory which is soon used again is not given back and
// faulted in over and over; the threads themselves then purge only what the program has not lately
// had in use.
//
// A program without threads gets the worker too when so much as the limit was purged and soon taken
// again: its memory comes and goes, and it would fault it in each time.
//
// Slabs that other threads than their owner's have emptied come in numbers. They are left behind,
// by one atomic operation each, while the worker is awake; whoever takes the lock next, the worker
// after a while, collects them.
//
// Thread-safe: one lock, never held over a system call that purges.
#pragma once

#include "base/lock_guard.hpp"
#include "platform/current.hpp"
#include "ranges/left_runs.hpp"
#include "ranges/settings.hpp"
#include "ranges/slot_range.hpp"

namespace strata {

// Where the primary range is, for the hot paths: `address - base < bytes` holds for the addresses
// of its committed part and no others, and (address - base) >> 16 is the slot's index. Zero before
// the first allocation: then no address satisfies it. Written under the supply's lock, and only
// when it changes: every free of every thread reads this line. The size only grows, so whoever has
// a block of the range finds it inside.
struct alignas(cache_line) PrimaryView {
  Address base = 0;
  Address bias = 0;  // 0 - base: `pointer + bias` is one instruction, where a subtraction takes two
  size_t bytes = 0;
};
STRATA_HIDDEN extern PrimaryView primary_view;
// For the hot paths: a plain read, so that the compiler compares with memory straight.
STRATA_OVERTAKEN inline Address seen_primary_base() noexcept { return primary_view.base; }
STRATA_OVERTAKEN inline Address seen_primary_bias() noexcept { return primary_view.bias; }
STRATA_OVERTAKEN inline size_t seen_primary_bytes() noexcept { return primary_view.bytes; }

template <unsigned Count>
struct Annexes {
  SlotRange ranges[Count];
};
template <>
struct Annexes<0> {
  SlotRange* ranges = nullptr;
};

class SlotSupply {
 public:
  static constexpr unsigned max_annexes = Machine::max_annexes;

  // A run of slots at an address that is a multiple of alignment_slots * 64 KiB, or nullptr.
  Slot* take(size_t slots, size_t alignment_slots = 1) noexcept;
  // Makes a run longer in place; false when the neighbour is in use.
  bool extend(Slot* run, size_t slots, size_t new_slots) noexcept;
  // Gives a run back; `written` of its slots tells what is dirty.
  void give(Slot* run, size_t slots) noexcept;
  // The same without the lock and the clock, while the worker is about: the run is left where the
  // next one to hold the lock finds it, and puts it among the free ones.
  void leave(Slot* run, size_t slots) noexcept;

  // Pages in a run that is in use were given back.
  void note_purged_within(const Slot* run, size_t bytes) noexcept {
    if (!Machine::has_huge_pages || range_settings.huge_pages_after == RangeSettings::never) return;
    LockGuard guard(lock_);
    range_of(run).note_purged_within(run, bytes);
  }

  // Purges dirty runs until at most `keep` bytes are left. Returns the bytes given back.
  size_t purge(size_t keep) noexcept;

  // Whether the primary range could only be small, so that addresses must be given back when they
  // are not in use.
  bool addresses_are_scarce() noexcept;

  // Where memory or addresses are short: gives everything back that no run uses, addresses and
  // commit charge included. True when there was anything.
  bool give_back_unused() noexcept;

  // The slot an address lies in, or nullptr for addresses of others. Any address may be asked.
  Slot* find(Address address) noexcept;
  Address address_of(const Slot* slot) noexcept {
    if (max_annexes == 0 || STRATA_LIKELY(primary_.holds_slot(slot))) {
      return primary_.address_of(slot);
    }
    return address_in_annex(slot);
  }

  // The heap tells how many slots large blocks have, for the limit, and when threads appear.
  void count_large(std::ptrdiff_t slots) noexcept {
    large_slots_.fetch_add(size_t(slots), Order::relaxed);
  }
  void allow_worker() noexcept {
    Worker state = Worker::unwanted;
    worker_.compare_exchange(state, Worker::wanted, Order::relaxed);
  }
  // In the child of a fork, where the worker does not exist.
  void forget_worker() noexcept {
    Worker state = Worker::running;
    worker_.compare_exchange(state, Worker::wanted, Order::relaxed);
  }

  struct Usage {
    size_t reserved = 0;     // bytes of address space
    size_t committed = 0;    // bytes made usable
    size_t used = 0;         // bytes of runs in use, touched or not
    size_t dirty = 0;        // bytes that wait for purging
    size_t metadata = 0;     // bytes of slots' descriptions
    size_t purged = 0;       // bytes given back since the start
    size_t purges = 0;       // system calls that took
    size_t dirty_limit = 0;  // what may wait, for what is in use now
    bool worker_runs = false;
  };
  Usage usage() noexcept;

  // Calls visit(range) for each open range.
  template <class Visit>
  void for_each_range(Visit&& visit) noexcept {
    if (primary_.is_open()) visit(primary_);
    for (unsigned i = 0; i < annex_count(); ++i) visit(annexes_.ranges[i]);
  }

  Machine::Lock& lock() noexcept { return lock_; }
  // Puts what was left among the free runs. With the lock held.
  void collect() noexcept {
    if (Machine::has_worker && left_.any()) collect_left();
  }
  bool check() noexcept;

 private:
  bool open_primary() noexcept;
  void show_primary() noexcept;
  // `refused` becomes true when the range has the addresses, but the system refuses the memory.
  Slot* take_from(SlotRange& range, size_t slots, size_t alignment_slots, bool& refused) noexcept;
  Slot* take_from_annexes(size_t slots, size_t alignment_slots, bool refused) noexcept;
  size_t commit_step(const SlotRange& range) const noexcept;
  SlotRange& range_of(const Slot* slot) noexcept;
  [[nodiscard]] unsigned annex_count() const noexcept {
    return max_annexes == 0 ? 0 : annex_count_.load(Order::acquire);
  }
  STRATA_COLD Address address_in_annex(const Slot* slot) noexcept;
  // Purges at least `bytes` of the oldest dirty run if that is `age` milliseconds old. With the
  // lock held; drops it during the system call. False when nothing was purged.
  bool purge_oldest(size_t bytes, std::uint32_t now, std::uint32_t age) noexcept;
  void purge_excess(std::uint32_t now) noexcept;
  // A run was taken: counts what of it had been purged.
  void note_missed(const Slot* run, size_t slots) noexcept;
  STRATA_NOINLINE void collect_left() noexcept;
  [[nodiscard]] bool missing() const noexcept { return Machine::has_worker && unmissed_ != 0; }
  bool worker_takes_over() noexcept;
  static void run_worker() noexcept;
  std::uint32_t work(std::uint32_t now) noexcept;
  [[nodiscard]] size_t dirty_bytes() noexcept;
  [[nodiscard]] size_t used_bytes() noexcept;
  [[nodiscard]] size_t dirty_limit() noexcept;

  Machine::Lock lock_;
  SlotRange primary_;
  Annexes<max_annexes> annexes_;
  Atomic<unsigned> annex_count_;  // an annex is complete before it is counted (release)
  size_t purged_ = 0;
  size_t purges_ = 0;
  size_t peak_used_ = 0;  // bytes of runs in use, the most there were lately
  // Bytes purged for the limit's sake lately, and when; of these, bytes that were taken again.
  size_t unmissed_ = 0;
  size_t missed_ = 0;
  std::uint32_t excess_at_ = 0;
  Atomic<size_t> large_slots_;
  // The worker's life: unwanted until there are threads or memory comes and goes, wanted until the
  // limit is passed, then running, or refused by the system and not asked for again. The last two
  // are set under the lock.
  enum class Worker : std::uint32_t { unwanted, wanted, running, refused };
  Atomic<Worker> worker_;
  // The worker sleeps on it: 0 asleep without a time limit, 1 otherwise.
  Atomic<std::uint32_t> worker_awake_;
  // Of the primary range; at most 4 MiB.
  LeftRuns<Slot, 4 * MiB / slot_size> left_;
  size_t limit_ = 0;  // the process's limit on addresses, read once
};

STRATA_HIDDEN extern SlotSupply slot_supply;

}  // namespace strata
