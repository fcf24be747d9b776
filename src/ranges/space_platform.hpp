// SpacePlatform: the heap's Platform on top of a Space. How storey 3 stands on storey 2 in a
// kernel.
//
// reserve is an address range, commit puts zeroed frames under it at once, purge takes them away
// again: the frames come back to Frames after the next flush, the addresses stay. A kernel cannot
// promise memory it does not have, so a refused frame is a refused allocation, not a fault.
//
// The heap has one range of addresses. What is larger than 1 GiB, or aligned to more than 2 MiB, is
// for Space itself to hand out.
#pragma once

#include "ranges/machine_platform.hpp"
#include "ranges/space.hpp"

namespace strata {

template <PagedMachine M>
struct SpacePlatform : MachinePlatform<M, SpacePlatform<M>> {
  static constexpr unsigned max_annexes = 0;
  static constexpr bool maps_large_blocks = false;

  // Before the first allocation.
  static void start(Space<M>& space) noexcept { space_ = &space; }

  STRATA_NOINLINE static Address reserve(size_t bytes, size_t alignment) noexcept {
    return space_ != nullptr ? space_->reserve({.bytes = bytes, .alignment = alignment}) : 0;
  }
  STRATA_NOINLINE static void release(Address address, size_t bytes) noexcept {
    space_->free(address, bytes);
  }
  STRATA_NOINLINE static bool commit(Address address, size_t bytes) noexcept {
    return space_->commit(address, bytes, Access::read_write, true);
  }
  STRATA_NOINLINE static bool purge(Address address, size_t bytes) noexcept {
    return space_->decommit(address, bytes);
  }

 private:
  inline static Space<M>* space_ = nullptr;  // set once, by start()
};

}  // namespace strata
