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

// Shrinking by less than a half stays: a move would cost more than it saves. What grows by less than
// an eighth will soon grow again, and gets a quarter more than it asks for, so that it moves half
// as often.
void* keep_or_move(void* pointer, size_t old_size, size_t size) noexcept {
  if (size <= old_size && size >= old_size / 2) return pointer;
  if (size > old_size && size - old_size < old_size / 8) size += size / 4;
  return move(pointer, old_size, size);
}

// A block that is free or none is reported: false.
STRATA_COLD bool check_suspect(Slot* slot, void* pointer, bool starts) noexcept {
  if (starts && !is_free(slot, pointer)) return true;
  report(Misuse::invalid_pointer, pointer);
  return false;
}

STRATA_INLINE bool check_live(Slot* slot, void* pointer) noexcept {
  // Slots are aligned to their size, and is_block_start's product has the block's number above.
  const auto offset = std::uint16_t(Address(pointer));
  const std::uint64_t product = std::uint64_t{offset} * slot->inverse;
  const bool starts = std::uint32_t(product) < slot_size && product >> 32 < slot->slot_capacity();
  const bool suspect = slab::reaches_uncarved(slot, offset) ||
                       static_cast<Block*>(pointer)->mark == mark_freed(pointer);
  return STRATA_LIKELY(starts && !suspect) || check_suspect(slot, pointer, starts);
}

// Blocks that are neither in slabs nor large.
STRATA_NOINLINE void* reallocate_other(Slot* slot, void* pointer, size_t size) noexcept {
  if (const size_t bytes = sample::usable(pointer); bytes != 0) return move(pointer, bytes, size);
  if (slot == nullptr && huge_size(pointer) != 0) return reallocate_huge(pointer, size);
  report(Misuse::invalid_pointer, pointer);
  return nullptr;
}

// Of a block of the default heap.
STRATA_INLINE void* reallocate_here(void* pointer, size_t size) noexcept {
  Slot* const slot = slot_supply.find(Address(pointer));
  if (slot == nullptr) return reallocate_other(slot, pointer, size);
  if (slot->kind() == SlotKind::slab) {
    if (!check_live(slot, pointer)) return nullptr;
    return keep_or_move(pointer, slab::block_size(slot), size);
  }
  if (slot->kind() == SlotKind::strip) {
    const size_t old_size = size_in_strip(slot, pointer);
    return old_size == 0 ? nullptr : keep_or_move(pointer, old_size, size);
  }
  if (slot->kind() == SlotKind::large && Address(pointer) == address_of(slot)) {
    return reallocate_large(slot, size);
  }
  if (slot->kind() == SlotKind::zero_sized && is_zero_sized(slot, pointer)) {
    return move(pointer, 0, size);
  }
  return reallocate_other(slot, pointer, size);
}

}  // namespace

void* reallocate_slow(void* pointer, size_t size) noexcept {
  if (pointer == nullptr) return allocate(size);
  if (STRATA_UNLIKELY(thread_cache.heap == nullptr) && mode != nullptr) {
    return mode->reallocate(pointer, size);
  }
  return reallocate_here(pointer, size);
}

void* reallocate_default(void* pointer, size_t size) noexcept {
  return reallocate_here(pointer, size);
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
  const SlotKind kind = slot != nullptr ? slot->kind() : SlotKind::none;
  if (kind == SlotKind::slab) return check_live(slot, pointer) ? slab::block_size(slot) : 0;
  if (kind == SlotKind::strip) return size_in_strip(slot, pointer);
  if (kind == SlotKind::large && Address(pointer) == address_of(slot)) return slot->size;
  if (kind == SlotKind::zero_sized && is_zero_sized(slot, pointer)) return 0;
  size_t bytes = sample::usable(pointer);
  if (bytes == 0 && slot == nullptr) bytes = huge_size(pointer);
  if (bytes == 0) report(Misuse::invalid_pointer, pointer);
  return bytes;
}

}  // namespace strata::heap
