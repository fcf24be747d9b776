// Slabs for sampled blocks. See sampled_slabs.hpp.
#include "observe/sampled_slabs.hpp"

namespace strata::observe {

// A slab is in its class's list unless all its blocks are in use.
void* SampledSlabs::take(unsigned c, bool zeroed) noexcept {
  Slot* slot = partly_free_[c].first();
  if (slot == nullptr) {
    slot = slot_supply.take(1);
    if (slot == nullptr) return nullptr;
    slab::format(slot, 1, c, 0);
    slot->set_kind(SlotKind::sampled);
    partly_free_[c].push_front(slot);
  }
  if (slot->freed == nullptr) slot->freed = slab::carve_next(slot, heap::address_of(slot));
  Block* const block = slot->freed;
  slot->freed = block->next;
  if (++slot->count == slot->capacity()) partly_free_[c].remove(slot);
  if (zeroed && block->mark != mark_zero(block)) __builtin_memset(block, 0, size_of_class(c));
  block->next = nullptr;
  block->mark = 0;
  return block;
}

void SampledSlabs::give(void* pointer) noexcept {
  Slot* const slot = slot_supply.find(Address(pointer));
  const unsigned c = slab::class_of(slot);
  auto* const block = static_cast<Block*>(pointer);
  if (slot->count == slot->capacity()) partly_free_[c].push_front(slot);
  block->mark = mark_freed(block);
  block->next = slot->freed;
  slot->freed = block;
  if (--slot->count != 0) return;
  partly_free_[c].remove(slot);
  heap::release_slab(slot);
}

}  // namespace strata::observe
