// SpinLock: one word, for critical sections of some tens of instructions.
//
// All-zero is open, so it may stand in zeroed or shared memory. Not fair, not recursive; a thread
// that is preempted inside makes the others spin.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace strata {

class SpinLock {
 public:
  void lock() noexcept {
    // Acquire pairs with the release in unlock(): what the last holder wrote is seen.
    while (held_.exchange(1, Order::acquire) != 0) {
      // Waiting reads only, so that the line is not fought over.
      while (held_.load(Order::relaxed) != 0) cpu_relax();
    }
  }
  bool try_lock() noexcept { return held_.exchange(1, Order::acquire) == 0; }
  void unlock() noexcept { held_.store(0, Order::release); }

 private:
  Atomic<std::uint32_t> held_;  // 1 while someone is inside; written by whoever enters or leaves
};

}  // namespace strata
