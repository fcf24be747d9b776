// PlatformDefaults: what the core may ask of a platform besides the required functions, and what a
// platform that brings none of it gets: `struct MyPlatform : PlatformDefaults<MyPlatform>`.
//
// The constants are decided when the core is compiled: what a platform does without costs it no
// code and no memory.
#pragma once

#include "base/atomic.hpp"
#include "base/units.hpp"
#include "platform/problem.hpp"

namespace strata {

template <class Self>
struct PlatformDefaults {
  // commit() promises memory that comes with the first touch, and purged pages may be touched again
  // as they are. False (a kernel's frames): commit() takes the memory at once, purge() leaves pages
  // uncommitted; then runs of slots are committed when they are taken, again after a purge, and
  // pages inside partly used slabs stay.
  static constexpr bool commits_lazily = true;
  // Ranges that may follow the first one when it is full. Each costs 3 KiB of static memory.
  static constexpr unsigned max_annexes = 63;
  // Blocks too large for a run of slots (1 GiB, or an alignment beyond 2 MiB) are reservations of
  // their own. False: they are refused.
  static constexpr bool maps_large_blocks = true;
  // Threads end, and may allocate and free while they do.
  static constexpr bool threads_end = true;
  // start_worker() may succeed.
  static constexpr bool has_worker = false;
  // allow_huge_pages() does something.
  static constexpr bool has_huge_pages = false;
  // The heap may be switched to a mode (hardening), and its allocations be sampled, in a running
  // process.
  static constexpr bool has_modes = true;
  // Blocks of no bytes lie apart, where they cannot be touched. False: each is a block of the
  // smallest class.
  static constexpr bool parts_zero_sized = true;
  // falloc() may be called: blocks cut one behind the other.
  static constexpr bool cuts_strips = true;
  // Misuse of the heap is told to fail() as a line of text. False: to misused(problem, address).
  static constexpr bool tells_in_words = true;

  // In place of fail() where tells_in_words is false. May return: then the call that was wrong
  // does nothing.
  static void misused(Problem, Address) noexcept {}

  // Gives pages and what they are charged for back; the addresses stay reserved, and are committed
  // before they are used again.
  static bool decommit(Address address, size_t bytes) noexcept {
    return Self::purge(address, bytes);
  }
  // Asks for the physical pages now. A hint.
  static void populate(Address, size_t) noexcept {}
  // Says whether a range may be backed by huge pages. A hint.
  static void allow_huge_pages(Address, size_t, bool) noexcept {}
  // Most addresses that may be reserved in all.
  static size_t address_space_limit() noexcept { return ~size_t{0}; }
  // Grows or shrinks a reservation that is committed, moving it when needed. 0: refused, nothing
  // has changed; the heap copies then.
  static Address remap(Address, size_t, size_t) noexcept { return 0; }

  // Runs `body`, which never returns, in a thread of Strata's own; false when refused.
  static bool start_worker(void (*)() noexcept) noexcept { return false; }
  // Sleeps until `word` is no longer `seen`, wake(word) is called, or `milliseconds` have passed.
  static void wait(Atomic<std::uint32_t>&, std::uint32_t, std::uint32_t) noexcept {}
  static void wake(Atomic<std::uint32_t>&) noexcept {}
};

}  // namespace strata
