// Sharing out the free memory of slabs. See held.hpp.
#include "profile/held.hpp"

#include <map>

namespace strata::tool {
namespace {

struct SlabShare {
  std::uint64_t end = 0;
  std::uint64_t live = 0;  // blocks
  std::uint64_t free = 0;  // resident bytes
};

// Slabs by where they begin. The parts of a slab of several slots follow its first.
std::map<std::uint64_t, SlabShare> slabs_of(const Account& account) {
  std::map<std::uint64_t, SlabShare> slabs;
  SlabShare* last = nullptr;
  for (const RunShare& share : account.runs) {
    const std::uint64_t end = share.run.address + slot_size;
    if (share.run.kind == observe::RunKind::slab) {
      last = &(slabs[share.run.address] = {end, share.run.live, share.free});
    } else if (share.run.kind == observe::RunKind::slab_part && last != nullptr) {
      last->end = end;
      last->free += share.free;
    } else {
      last = nullptr;
    }
  }
  return slabs;
}

}  // namespace

std::vector<HeldBlock> held_by(const std::vector<LiveBlock>& blocks, const Account& account) {
  const auto slabs = slabs_of(account);
  std::vector<HeldBlock> held;
  for (const LiveBlock& block : blocks) {
    HeldBlock one{block, 0};
    auto slab = slabs.upper_bound(block.place);
    if (block.small && slab != slabs.begin()) {
      --slab;
      const SlabShare& share = slab->second;
      if (block.place < share.end && share.live != 0) {
        one.bytes = double(share.free) / double(share.live);
      }
    }
    held.push_back(one);
  }
  return held;
}

}  // namespace strata::tool
