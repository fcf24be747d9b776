// InterruptGuard and InterruptLock: what a machine whose interrupt handlers allocate is made of.
//
// `Interrupts` is x86_64::Interrupts or aarch64::Interrupts: off() returns the state before, and
// restore(state) goes back to it. `Waiting` says what a CPU does while another has the lock: it
// must answer what the owner may be waiting for (a TLB shootdown by interrupts), since its own
// interrupts are off.
#pragma once

#include "base/atomic.hpp"

namespace strata {

// Interrupts off for a scope, as they were before at its end.
template <class Interrupts>
class InterruptGuard {
 public:
  InterruptGuard() noexcept : before_(Interrupts::off()) {}
  ~InterruptGuard() { Interrupts::restore(before_); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  typename Interrupts::State before_;
};

struct JustWaiting {
  static void once() noexcept {}
};

// A ticket lock with interrupts off inside. Valid when all zero.
template <class Interrupts, class Waiting = JustWaiting>
class InterruptLock {
 public:
  constexpr InterruptLock() noexcept = default;

  void lock() noexcept {
    const auto before = Interrupts::off();
    const unsigned ticket = next_.fetch_add(1, Order::relaxed);
    // Acquire pairs with the release in unlock().
    while (serving_.load(Order::acquire) != ticket) {
      Waiting::once();
      cpu_relax();
    }
    before_ = before;
  }
  void unlock() noexcept {
    const auto before = before_;
    serving_.store(serving_.load(Order::relaxed) + 1, Order::release);
    Interrupts::restore(before);
  }

 private:
  Atomic<unsigned> next_;
  Atomic<unsigned> serving_;
  typename Interrupts::State before_ = 0;  // written by the owner
};

}  // namespace strata
