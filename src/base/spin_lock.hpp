// SpinLock: a ticket lock, for machines that have nothing better. All zero is unlocked.
//
// First come, first served, so no CPU starves; a waiter only reads until it is its turn. A kernel
// that allocates in interrupt handlers wraps it with saving and disabling of interrupts.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace strata {

class SpinLock {
 public:
  constexpr SpinLock() noexcept = default;

  void lock() noexcept {
    const std::uint32_t ticket = next_.fetch_add(1, Order::relaxed);
    // Acquire pairs with the release in unlock(): what the last owner wrote is seen.
    while (serving_.load(Order::acquire) != ticket) cpu_relax();
  }
  // Only the owner writes serving_, so load and store need not be one step.
  void unlock() noexcept { serving_.store(serving_.load(Order::relaxed) + 1, Order::release); }

 private:
  Atomic<std::uint32_t> next_;
  Atomic<std::uint32_t> serving_;
};

}  // namespace strata
