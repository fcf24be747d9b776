// The block around any address, for who tells what an address is or follows pointers.
#pragma once

#include "base/units.hpp"

namespace strata::harden {

struct BlockAround {
  Address address = 0;  // 0: none
  size_t size = 0;      // what was asked for; of a small one that is not live, its class's size
  bool live = false;
};

// Guard pages of a block count as its own, the nearest's. Of mappings only when `mappings`: they
// are looked for one by one.
BlockAround block_around(Address address, bool mappings = true) noexcept;
// Whether the address is in a mapping of a block above 1 GiB.
bool is_in_mapping(Address address) noexcept;

}  // namespace strata::harden
