// Interrupts of this x86-64 CPU: off, and as they were. For InterruptGuard and InterruptLock.
#pragma once

#include <cstdint>

namespace strata::x86_64 {

struct Interrupts {
  using State = std::uint64_t;
  static State off() noexcept {
    State flags;
    asm volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    return flags;
  }
  static void restore(State flags) noexcept {
    if ((flags & 0x200) != 0) asm volatile("sti" ::: "memory");
  }
};

}  // namespace strata::x86_64
