// Stack: who called, as return addresses; and how reports tell it.
//
//   strata:   freed by thread 1234 at
//   strata:     /usr/bin/program+0x1180
//   strata:     /lib/x86_64-linux-gnu/libc.so.6+0x2724a
//
// `strata explain` reads these lines, and names functions and lines of source. No allocation, no
// lock; taking one costs some 30 instructions a frame, telling it reads /proc/self/maps.
#pragma once

#include "base/attributes.hpp"
#include "base/units.hpp"

namespace strata::harden {

struct Stack {
  static constexpr unsigned most = 16;

  Address frames[most] = {};
  std::uint32_t count = 0;
  std::uint32_t thread = 0;  // the system's number; 0: not known

  // Of the caller.
  void take() noexcept;
};

// `what` happened there: "freed", "allocated". `thread` 0: does not say which.
STRATA_COLD void tell_stack(const char* what, const Address* frames, unsigned count,
                            std::uint32_t thread) noexcept;
STRATA_COLD inline void tell_stack(const char* what, const Stack& stack) noexcept {
  tell_stack(what, stack.frames, stack.count, stack.thread);
}
// The same, whose first frame is no return address but the very instruction.
STRATA_COLD void tell_access(const char* what, const Address* frames, unsigned count,
                             std::uint32_t thread) noexcept;

}  // namespace strata::harden
