// Guarded samples: in default mode one small block in so many bytes is put against a page that
// cannot be touched, for programs in production. Overflow and use after free of such a block fault
// where they happen, and are reported with the block and with who allocated and freed it.
//
//   | guard |  place 0: two pages       | guard |  place 1                  | guard | ...
//   |       |            zero [ block ]~|       |[ block ]~~~~~~ |          |       |
//                     right-aligned                left-aligned     not committed
//
// ~ is a pattern, which is looked at when the block is freed, as are the bytes in front. A freed
// block's pages are inaccessible until all other places have been used since.
//
// A client of the coarse sampling point (heap/sample.hpp); blocks above 8 KiB are left alone. No
// lock: a place's state changes by compare-and-exchange, so none is held in the child of a fork.
// Memory: 448 KiB when all places are in use, and 20 KiB that tells about them; nothing before the
// first sample. Cost: two instructions a miss of a bin, and five system calls a sample.
#pragma once

#include "base/units.hpp"

namespace strata::harden {

// One block in so many bytes that pass the bins; 0: none from now on.
void sample_guards(size_t mean) noexcept;

}  // namespace strata::harden
