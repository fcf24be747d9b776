// FutexLock: a lock of four bytes, valid when all zero. Spins briefly, then sleeps in the kernel.
//
// States of the word: 0 free, 1 held, 2 held and somebody may sleep. lock() acquires, unlock()
// releases: what one holder wrote, the next one sees. After fork the child calls reset().
#pragma once

#include "base/atomic.hpp"
#include "base/attributes.hpp"

namespace strata {

class FutexLock {
 public:
  void lock() noexcept {
    unsigned expected = 0;
    if (STRATA_LIKELY(word_.compare_exchange(expected, 1, Order::acquire))) return;
    lock_slow();
  }
  bool try_lock() noexcept {
    unsigned expected = 0;
    return word_.compare_exchange(expected, 1, Order::acquire);
  }
  void unlock() noexcept {
    if (STRATA_UNLIKELY(word_.exchange(0, Order::release) == 2)) wake();
  }
  // In the child of a fork, where the holder may not exist any more.
  void reset() noexcept { word_.store(0, Order::relaxed); }

 private:
  STRATA_COLD void lock_slow() noexcept;
  STRATA_COLD void wake() noexcept;

  Atomic<unsigned> word_;
};

}  // namespace strata
