// What diagnose mode knows of a block besides what hardened mode does: who allocated it and who
// freed it. Beside the heap's range lies another of the same length, its shadow, so that a block's
// history is found by arithmetic:
//
//   range    |    | block ............ |    | block ......... |
//   shadow   |    | history |               | history |              16 bytes at the same offset
//
// The shadow's pages come where blocks begin. Blocks outside of the range (larger than 1 GiB, or
// where addresses are few) have theirs in a small table, which forgets.
#pragma once

#include "base/units.hpp"

namespace strata::harden {

struct History {
  std::uint32_t allocated = 0;     // stacks, by number (stack_depot.hpp)
  std::uint32_t freed = 0;         // 0: it is live
  std::uint32_t allocated_by = 0;  // threads
  std::uint32_t freed_by = 0;
};
static_assert(sizeof(History) == granule_size);

// Of the block that begins there; nullptr: none can be kept.
History* history_of(Address block) noexcept;
// The shadow's own addresses, for who looks at all there are.
bool is_in_shadow(Address address) noexcept;

}  // namespace strata::harden
