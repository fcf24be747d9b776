// The heap's front where there is no libc: how a kernel starts it and calls it.
//
//   start_heap(space)          once, when a Space is there and this CPU has its thread area
//   strata_malloc, ...         as in strata.h, and operator new and delete, from then on
//
// Every call holds the platform's CpuGuard, so it may come from a preemptible place and, where the
// guard turns interrupts off, from interrupt handlers. operator new returns null when memory is
// refused: there are no exceptions to throw (new is declared noexcept by -fno-exceptions' users).
#pragma once

#include "heap/heap.hpp"

namespace strata {

template <class Space>
void start_heap(Space& space) noexcept {
  // Half of the window: the rest is for those who ask the Space itself.
  range_settings.reserve = space.free_bytes() / 2;
  range_settings.dirty_limit = space.comfortable_bytes();
  Machine::start(space);
}

}  // namespace strata
