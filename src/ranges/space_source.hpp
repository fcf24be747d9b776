// SpaceSource: a kernel's Space as a region's source of memory: address ranges with frames under
// them.
//
//   struct Growing : strata::DefaultPolicy {
//     using Source = strata::SpaceSource<strata::Space<MyMachine>>;
//     using Lock = strata::SpinLock;
//   };
//   strata::Region<Growing> region;
//   region.source().space = &space;
//
// A span that is given back is unmapped at once; its frames and addresses are free after the
// Space's next flush. Cost: what allocate() and free() of the Space cost.
#pragma once

#include "base/bits.hpp"
#include "base/source_memory.hpp"
#include "ranges/space.hpp"

namespace strata {

template <class SpaceType>
struct SpaceSource {
  static constexpr bool grows = true;
  SpaceType* space = nullptr;  // set before the region's first request

  // Whole pages; null when addresses or frames are refused.
  SourceMemory take(size_t least) noexcept {
    if (space == nullptr || least > size_t(PTRDIFF_MAX)) return {};
    const size_t bytes = align_up(least, frame_size);
    const Address base = space->allocate({.bytes = bytes});
    return {reinterpret_cast<void*>(base), base == 0 ? 0 : bytes};
  }
  void give(void* memory, size_t bytes) noexcept { space->free(Address(memory), bytes); }
};

}  // namespace strata
