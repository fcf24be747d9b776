// What this thread keeps ready to hand out, looked over at the process's end. A program that writes
// to memory it freed spoils the links or marks of the free blocks there.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Of each class. Each is one cache line.
constexpr unsigned most_blocks = 64;

bool lies_in(Slot* slab, const Block* block) noexcept {
  const Address offset = Address(block) - address_of(slab);
  return offset < slab->slots() * slot_size && is_block_start(std::uint16_t(offset), slab->inverse);
}

// The first block of the list that is not as it was left, or nullptr.
const Block* spoiled(Slot* slab, const Block* list) noexcept {
  for (unsigned i = 0; i < most_blocks && list != nullptr; ++i, list = list->next) {
    if (list->mark != mark_freed(list) && list->mark != mark_zero(list)) return list;
    if (list->next != nullptr && !lies_in(slab, list->next)) return list;
  }
  return nullptr;
}

}  // namespace

void verify_at_exit() noexcept {
  if (mode != nullptr) return mode->verify_at_exit();
  ThreadHeap* const heap = thread_cache.heap;
  if (heap == nullptr) return;
  for (unsigned c = 1; c < class_count; ++c) {
    Slot* const slab = heap->active[c];
    if (slab == nullptr) continue;
    const Block* const list = thread_cache.bin(c).head;
    // What was allocated last may have come from a spoiled link.
    const Block* const block = list == nullptr || lies_in(slab, list) ? spoiled(slab, list) : list;
    if (block != nullptr) report(Misuse::write_after_free, block);
  }
}

}  // namespace strata::heap
