// Looking over the heap: every live block's canary, every free block's zero bytes.
//
// Only what no other thread can change meanwhile is looked at, so that there is no false alarm:
// with other threads in the heap that is what this thread holds; else everything, up to a bound.
#pragma once

#include "base/units.hpp"

namespace strata::harden {

// Looks at up to `most` bytes; reports what it finds, `when` says in which words. `alone`: no other
// thread uses the heap. Returns how many errors it found.
size_t verify(size_t most, bool alone, const char* when) noexcept;

// At the process's end: a few milliseconds at most.
void verify_at_exit() noexcept;

}  // namespace strata::harden
