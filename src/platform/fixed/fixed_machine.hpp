// FixedMachine: a piece of memory and nothing else: no paging, no other CPUs, no operating system.
//
// The pool's bytes are its "physical memory": frame n is its bytes [n * 4096, + 4096). Frames work
// as anywhere; there are no addresses to map, so a heap stands on DirectPlatform instead of a
// Space. Corruption calls `on_failure`, which should not return; without one it traps.
#pragma once

#include "base/spin_lock.hpp"
#include "platform/paged_machine.hpp"

namespace strata {

class FixedMachine {
 public:
  static constexpr unsigned max_cpus = 1;
  using Lock = SpinLock;
  struct CpuGuard {
    CpuGuard() noexcept {}
  };

  static bool map(Address, Frame, size_t, Access) noexcept { return false; }
  static FrameRun unmap(Address, size_t pages) noexcept { return {Frame{}, pages}; }
  static void flush(Address, size_t) noexcept {}
  static void* direct(Frame frame) noexcept { return pool_ + frame.address(); }
  static unsigned cpu() noexcept { return 0; }
  static void fail(Problem problem, Address address) noexcept {
    if (on_failure == nullptr) __builtin_trap();
    on_failure(problem, address);
  }

  // The pool: aligned to a frame, in use for ever. Before Frames start on [0, its size).
  static void set_pool(void* pool) noexcept { pool_ = static_cast<unsigned char*>(pool); }

  inline static void (*on_failure)(Problem problem, Address address) = nullptr;

 private:
  inline static unsigned char* pool_ = nullptr;  // set by set_pool()
};

static_assert(PagedMachine<FixedMachine>);

}  // namespace strata
