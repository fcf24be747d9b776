// Reallocation beyond the hot path, and the size of any block.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Moves a block to a new one of `size` bytes; the old one goes only when that worked.
void* move(void* pointer, size_t old_size, size_t size) noexcept {
  void* const moved = allocate(size);
  if (moved == nullptr) return nullptr;
  __builtin_memcpy(moved, pointer, size < old_size ? size : old_size);
  free(pointer);
  return moved;
}

void check_live(Slot* slot, void* pointer) noexcept {
  const auto offset = std::uint16_t(Address(pointer) - address_of(slot));
  if (!is_block_start(offset, slot->inverse)) report(Misuse::invalid_pointer, pointer);
  if (static_cast<Block*>(pointer)->mark == mark_freed(pointer) && is_free(slot, pointer)) {
    report(Misuse::invalid_pointer, pointer);
  }
}

}  // namespace

void* reallocate_slow(void* pointer, size_t size) noexcept {
  if (pointer == nullptr) return allocate(size);
  if (STRATA_UNLIKELY(thread_cache.heap == nullptr) && mode != nullptr) {
    return mode->reallocate(pointer, size);
  }
  return reallocate_default(pointer, size);
}

void* reallocate_default(void* pointer, size_t size) noexcept {
  Slot* const slot = slot_supply.find(Address(pointer));
  if (slot == nullptr) {
    if (huge_size(pointer) == 0) report(Misuse::invalid_pointer, pointer);
    return reallocate_huge(pointer, size);
  }
  if (slot->kind() == SlotKind::slab) {
    check_live(slot, pointer);
    const size_t old_size = slab::block_size(slot);
    // Shrinking by less than a half stays: a move would cost more than it saves.
    if (size <= old_size && size >= old_size / 2) return pointer;
    return move(pointer, old_size, size);
  }
  if (slot->kind() == SlotKind::large && Address(pointer) == address_of(slot)) {
    return reallocate_large(slot, size);
  }
  report(Misuse::invalid_pointer, pointer);
}

size_t usable_size(void* pointer) noexcept {
  if (pointer == nullptr) return 0;
  if (STRATA_UNLIKELY(thread_cache.heap == nullptr) && mode != nullptr) {
    return mode->usable_size(pointer);
  }
  return usable_size_default(pointer);
}

size_t usable_size_default(void* pointer) noexcept {
  Slot* const slot = slot_supply.find(Address(pointer));
  if (slot == nullptr) {
    const size_t size = huge_size(pointer);
    if (size == 0) report(Misuse::invalid_pointer, pointer);
    return size;
  }
  if (slot->kind() == SlotKind::slab) {
    check_live(slot, pointer);
    return slab::block_size(slot);
  }
  if (slot->kind() == SlotKind::large && Address(pointer) == address_of(slot)) {
    return slot->size;
  }
  report(Misuse::invalid_pointer, pointer);
}

}  // namespace strata::heap
