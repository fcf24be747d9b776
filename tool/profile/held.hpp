// What holds sparse slabs: free memory in slabs, by the live blocks that keep it from going back.
//
// A slab's free blocks can serve others of its size, but its pages go back to the system only when
// nothing on them is live. So the resident free bytes of a slab are shared out among its live
// blocks, and each sampled one bears its share, and that of the blocks it stands for. The sum over
// all samples is an unbiased estimate of the free memory in slabs.
#pragma once

#include <vector>

#include "observe/account.hpp"
#include "profile/recording.hpp"

namespace strata::tool {

struct HeldBlock {
  LiveBlock block;
  double bytes = 0;  // its share of the slab's free memory; without its weight
};

// `blocks` and `account` are of the same process, taken one soon after the other.
std::vector<HeldBlock> held_by(const std::vector<LiveBlock>& blocks, const Account& account);

}  // namespace strata::tool
