// Allocation beyond the hot path: refilling a bin, zeroed and aligned blocks.
#include "heap/state.hpp"

namespace strata {

thread_local constinit ThreadCache thread_cache __attribute__((tls_model("initial-exec")));

namespace heap {

constinit State state;

namespace {

// Blocks of class c for an empty bin, from its slab or the next one; nullptr: no memory.
Block* refill(ThreadCache& cache, ThreadHeap& heap, unsigned c) noexcept {
  for (;;) {
    if (Slot* const slot = cache.slab(c); slot != nullptr) {
      if (Block* const list = slot->freed; list != nullptr) {
        slot->freed = nullptr;
        return list;
      }
      if (const auto home = sharing::take(slot->remote); home.head() != 0) {
        slot->count = std::uint16_t(slot->count - home.count());
        return sharing::block_at(address_of(slot), home.head());
      }
      if (slot->uncarved != 0) {
        if (Block* const list = slab::carve(slot, address_of(slot)); list != nullptr) return list;
      }
      if (!let_go_full(heap, slot)) continue;
    }
    Block* home = nullptr;
    cache.set_slab(c, next_slab(heap, c, home));
    if (cache.slab(c) == nullptr) return nullptr;
    if (home != nullptr) return home;
  }
}

// For threads that have finished: one shared cache, under a lock.
void* allocate_late(unsigned c, bool zeroed) noexcept {
  LockGuard guard(state.late_lock);
  state.late_heap.thread = Address(&state.late_heap);
  state.late_heap.cache = &state.late_cache;
  return allocate_small(state.late_cache, state.late_heap, c, zeroed);
}

void* allocate_class(unsigned c, bool zeroed) noexcept {
  ThreadHeap* const heap = thread_heap();
  if (STRATA_UNLIKELY(heap == nullptr)) return allocate_late(c, zeroed);
  return allocate_small(thread_cache, *heap, c, zeroed);
}

}  // namespace

void* allocate_small(ThreadCache& cache, ThreadHeap& heap, unsigned c, bool zeroed) noexcept {
  Block* block = cache.head(c);
  if (block == nullptr) {
    block = refill(cache, heap, c);
    if (block == nullptr) return nullptr;
  }
  cache.set_head(c, block->next);
  ++cache.slab(c)->count;
  if (zeroed && block->mark != mark_zero()) __builtin_memset(block, 0, size_of_class(c));
  block->next = nullptr;
  block->mark = 0;
  return block;
}

void* allocate_slow(size_t size) {
  if (size <= largest_small) return allocate_class(class_of(size), false);
  return allocate_large(size, 1, false);
}

void* allocate_zeroed(size_t size) noexcept {
  if (STRATA_UNLIKELY(size > largest_small)) return allocate_large(size, 1, true);
  const unsigned c = class_of(size);
  Block* const block = thread_cache.head(c);
  if (STRATA_UNLIKELY(block == nullptr)) return allocate_class(c, true);
  thread_cache.set_head(c, block->next);
  ++thread_cache.slab(c)->count;
  if (block->mark == mark_zero()) {
    block->next = nullptr;
    block->mark = 0;
    return block;
  }
  return __builtin_memset(block, 0, size_of_class(c));
}

void* allocate_aligned(size_t alignment, size_t size) noexcept {
  if (alignment <= granule_size) return allocate(size);
  if (size <= largest_small && alignment <= largest_small) {
    // Blocks stand at multiples of their size from an aligned slab: a class whose size is a
    // multiple of the alignment will do.
    const size_t least = align_up(size == 0 ? 1 : size, alignment);
    if (least <= largest_small) {
      for (unsigned c = class_of(least); c < class_count; ++c) {
        if (size_of_class(c) % alignment == 0) return allocate(size_of_class(c));
      }
    }
  }
  return allocate_large(size, alignment, false);
}

}  // namespace heap
}  // namespace strata
