// SampledSlabs: blocks of small classes for sampled allocations, in slabs of their own.
//
// free() finds the sampled blocks of small classes by where they lie: in slots of the kind
// `sampled`, which no thread owns, so that every free there takes the cold way and no other free
// pays. Sampled blocks are few: one list a class, no threads' caches. Not thread-safe: the owner
// locks. A block costs some tens of instructions, and its slab's first one a slot.
#pragma once

#include "heap/state.hpp"

namespace strata::observe {

class SampledSlabs {
 public:
  // A block of class c, reading zero if `zeroed`; null: no memory.
  void* take(unsigned c, bool zeroed) noexcept;
  // `pointer`: a block from take() that is in use.
  void give(void* pointer) noexcept;

 private:
  List<Slot> partly_free_[class_count];
};

}  // namespace strata::observe
