// Allocation beyond the hot path: refilling a bin, zeroed and aligned blocks.
#include "heap/state.hpp"

namespace strata {

thread_local constinit ThreadCache thread_cache __attribute__((tls_model("initial-exec")));

namespace heap {

constinit State state;

namespace {

// Blocks of class c for an empty bin, from the active slab or the next one; nullptr: no memory.
Block* refill(ThreadCache& cache, ThreadHeap& heap, unsigned c) noexcept {
  FreeList& bin = cache.bin(c);
  for (;;) {
    if (Slot* slot = heap.active[c]; slot != nullptr) {
      if (bin.head != nullptr) return bin.head;
      bring_in(slot);
      if (bin.head == nullptr) bin.head = slab::carve_next(slot, address_of(slot));
      if (bin.head != nullptr) return bin.head;
      slot = deactivate(heap, c);
      if (!let_go_full(heap, slot)) {  // blocks came home
        activate(heap, slot);
        continue;
      }
    }
    Slot* const next = next_slab(heap, c);
    if (next == nullptr) return nullptr;
    activate(heap, next);
  }
}

// For threads that have finished: one shared cache, under a lock.
void* allocate_late(unsigned c, bool zeroed) noexcept {
  LockGuard guard(state.late_lock);
  state.late_heap.thread = Address(&state.late_heap);
  state.late_heap.cache = &state.late_cache;
  return allocate_small(state.late_cache, state.late_heap, c, zeroed);
}

STRATA_NOINLINE void* allocate_class(unsigned c, bool zeroed) noexcept {
  ThreadHeap* const heap = thread_heap();
  if (STRATA_UNLIKELY(heap == nullptr)) return allocate_late(c, zeroed);
  return allocate_small(thread_cache, *heap, c, zeroed);
}

// The slow paths' ways where the thread has no ThreadHeap.
template <Form form>
STRATA_NOINLINE void* allocate_without_heap(size_t size) noexcept {
  if (mode_serves()) return mode->allocate(size, form);
  return size > largest_small ? allocate_large(size, 1, false)
                              : allocate_class(class_of(size), false);
}

STRATA_NOINLINE void* allocate_zeroed_slow(size_t size) noexcept {
  ThreadHeap* const heap = thread_cache.heap;
  if (STRATA_UNLIKELY(heap == nullptr) && mode_serves()) return mode->allocate_zeroed(size);
  if (size > largest_small) return allocate_large(size, 1, true);
  if (STRATA_UNLIKELY(heap == nullptr)) return allocate_class(class_of(size), true);
  return allocate_small(thread_cache, *heap, class_of(size), true);
}

}  // namespace

void* allocate_small(ThreadCache& cache, ThreadHeap& heap, unsigned c, bool zeroed) noexcept {
  FreeList& bin = cache.bin(c);
  Block* const block = bin.head != nullptr ? bin.head : refill(cache, heap, c);
  if (block == nullptr) return nullptr;
  bin.head = block->next;
  ++bin.count;
  if (zeroed && block->mark != mark_zero(block)) __builtin_memset(block, 0, size_of_class(c));
  block->next = nullptr;
  block->mark = 0;
  return block;
}

template <Form form>
void* allocate_slow(size_t size) {
  ThreadHeap* const heap = thread_cache.heap;
  if (STRATA_UNLIKELY(heap == nullptr)) return allocate_without_heap<form>(size);
  if (STRATA_UNLIKELY(size > largest_small)) return allocate_large(size, 1, false);
  return allocate_class(class_of(size), false);
}
template void* allocate_slow<Form::malloc>(size_t size);
template void* allocate_slow<Form::new_one>(size_t size);
template void* allocate_slow<Form::new_array>(size_t size);

void* allocate_zeroed(size_t size) noexcept {
  if (STRATA_UNLIKELY(size > largest_small)) return allocate_zeroed_slow(size);
  const unsigned c = class_of(size);
  FreeList& bin = thread_cache.bin(c);
  Block* const block = bin.head;
  if (STRATA_UNLIKELY(block == nullptr)) return allocate_zeroed_slow(size);
  bin.head = block->next;
  ++bin.count;
  if (block->mark == mark_zero(block)) {
    block->next = nullptr;
    block->mark = 0;
    return block;
  }
  return __builtin_memset(block, 0, size_of_class(c));
}

void* allocate_aligned(size_t alignment, size_t size, Form form) noexcept {
  if (STRATA_UNLIKELY(thread_cache.heap == nullptr) && mode_serves()) {
    return mode->allocate_aligned(alignment, size, form);
  }
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
