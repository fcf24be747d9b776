// Interrupts of this aarch64 CPU: off, and as they were. For InterruptGuard and InterruptLock.
#pragma once

#include <cstdint>

namespace strata::aarch64 {

struct Interrupts {
  using State = std::uint64_t;
  static State off() noexcept {
    State flags;
    asm volatile("mrs %0, daif\n\tmsr daifset, #3" : "=r"(flags)::"memory");
    return flags;
  }
  static void restore(State flags) noexcept {
    asm volatile("msr daif, %0" ::"r"(flags) : "memory");
  }
};

}  // namespace strata::aarch64
