// InterruptGuard: interrupts off for a scope, as they were before at its end.
#pragma once

#include <cstdint>

namespace strata {

class InterruptGuard {
 public:
  InterruptGuard() noexcept { asm volatile("pushfq; popq %0; cli" : "=r"(flags_)::"memory"); }
  ~InterruptGuard() {
    if ((flags_ & 0x200) != 0) asm volatile("sti" ::: "memory");
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  std::uint64_t flags_;
};

}  // namespace strata
