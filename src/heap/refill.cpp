// Allocation beyond the hot path: refilling a bin, zeroed and aligned blocks.
#include "heap/state.hpp"

namespace strata {

thread_local constinit ThreadCache thread_cache __attribute__((tls_model("initial-exec")));

namespace heap {

constinit State state;
constinit Late late;

namespace {

// Blocks of class c for an empty bin, from the active slab or the next one; nullptr: no memory.
Block* refill(ThreadCache& cache, ThreadHeap& heap, unsigned c) noexcept {
  FreeList& bin = cache.bin(c);
  if (heap.active[c] != nullptr) unite(heap, c);
  for (;;) {
    if (Slot* slot = heap.active[c]; slot != nullptr) {
      if (bin.head != nullptr) return bin.head;
      bring_in(slot);
      if (bin.head == nullptr) bin.head = slab::carve_next(slot, address_of(slot));
      if (bin.head != nullptr) return bin.head;
      slot = deactivate(heap, c);
      if (!let_go_full(heap, slot)) {  // blocks came home
        activate(heap, slot, bin);
        continue;
      }
    }
    Slot* const next = next_slab(heap, c);
    if (next == nullptr) return nullptr;
    activate(heap, next, bin);
  }
}

// Leaves at most `most` blocks in the list, and returns the others.
Block* cut(Block* list, std::int32_t most) noexcept {
  while (--most != 0 && list->next != nullptr) list = list->next;
  Block* const rest = list->next;
  list->next = nullptr;
  return rest;
}

// While allocations are sampled blocks go round through two lists, and come to be handed out in the
// order they were freed. So that a program which takes and frees a few is not led through all that
// are free, and through the processor's cache, the next list is cut to `few` after one of `many`.
constexpr std::int32_t few = 128;
constexpr std::int32_t many = 2 * few;

// An upper bound of the free blocks of an active slab whose bin has handed out so many.
std::int32_t most_free(const Slot* slot, std::uint32_t handed) noexcept {
  // The list's own count lies below zero where it saw more blocks come than it was told have gone.
  return slot->capacity() - std::uint16_t(slot->list->count - slot->list->bias + handed);
}
std::int32_t most_carved(const Slot* slab) noexcept {
  unsigned units = 0;
  for (unsigned i = 0; i < slab->slots(); ++i) {
    units += carve_units_per_slot - count_ones(slab[i].uncarved);
  }
  return std::int32_t(units * (slab->slot_capacity() / carve_units_per_slot + 1U));
}

struct SlabCapacities {
  std::uint16_t of[class_count] = {};
  constexpr SlabCapacities() noexcept {
    for (unsigned c = 1; c < class_count; ++c) {
      of[c] = std::uint16_t(size_class(c).capacity * size_class(c).slots);
    }
  }
  constexpr std::uint16_t operator[](unsigned c) const noexcept { return of[c]; }
};
constexpr SlabCapacities slab_capacities;

// The common miss while allocations are sampled, and the sampled one does not come soon: what the
// thread has freed becomes its bin. The first block of it; nullptr: the long way. Exactly: asks for
// the number of free blocks; otherwise any slab's most will do.
template <bool exactly>
STRATA_INLINE Block* turn_bin_over(unsigned c) noexcept {
  ThreadHeap* const heap = thread_cache.heap;
  if (STRATA_UNLIKELY(heap == nullptr)) return nullptr;
  FreeList& list = heap->returned[c];  // empty when it is not in use
  Block* const block = list.head;
  if (STRATA_UNLIKELY(block == nullptr)) return nullptr;
  FreeList& bin = thread_cache.bin(c);
  const std::uint32_t handed = bin.count;
  if (STRATA_UNLIKELY(bin.head != nullptr || handed > many)) return nullptr;
  std::int32_t most = slab_capacities[c];
  if constexpr (exactly) most = most_free(heap->active[c], handed);
  if (!sample::may_pass(heap->countdown, c, std::int32_t(handed), most)) return nullptr;
  bin.head = block->next;
  bin.count = 1;
  list.head = nullptr;
  list.count += handed;
  if (STRATA_UNLIKELY(list.count == 0)) list.count = list.bias = 1;
  return block;
}

// As refill, while allocations are sampled: at most as many blocks as come before the next sample;
// `sampled` becomes true when the first of them is one.
//
//   malloc <- bin <- what the thread freed (ThreadHeap::returned) <- the slab's other free blocks
Block* refill_sampling(ThreadCache& cache, ThreadHeap& heap, unsigned c, bool& sampled) noexcept {
  FreeList& bin = cache.bin(c);
  FreeList& list = heap.returned[c];
  std::uint32_t handed = 0;
  if (heap.active[c] != nullptr) {
    part(heap, c);
    handed = bin.count;
    settle(heap, c);
  }
  const std::int32_t most = sample::share(heap, c, sampled);
  for (;;) {
    if (Slot* slot = heap.active[c]; slot != nullptr) {
      Block*& others = slot->freed;
      if (list.head == nullptr) {
        list.head = others;
        others = nullptr;
      }
      if (list.head == nullptr) bring_in(slot);
      if (list.head == nullptr) list.head = slab::carve_next(slot, address_of(slot));
      if (list.head != nullptr) {
        bin.head = list.head;
        list.head = nullptr;
        if (handed > many && few < most && others == nullptr) {
          others = cut(bin.head, few);
        } else if (most < most_free(slot, 0) && most < most_carved(slot)) {
          list.head = cut(bin.head, most);
        }
        if (list.count == 0) list.count = list.bias = 1;  // the next free is an event, and counts
        return bin.head;
      }
      slot = deactivate(heap, c);
      if (!let_go_full(heap, slot)) {
        activate(heap, slot, list);
        continue;
      }
    }
    Slot* const next = next_slab(heap, c);
    if (next == nullptr) return nullptr;
    activate(heap, next, list);
  }
}

// Out of a bin that was refilled; `block` may be null.
STRATA_INLINE void* take(FreeList& bin, Block* block, unsigned c, bool zeroed) noexcept {
  if (block == nullptr) return nullptr;
  bin.head = block->next;
  ++bin.count;
  if (zeroed && block->mark != mark_zero(block)) __builtin_memset(block, 0, size_of_class(c));
  block->next = nullptr;
  block->mark = 0;
  return block;
}

void* allocate_small(ThreadCache& cache, ThreadHeap& heap, unsigned c, bool zeroed) noexcept {
  FreeList& bin = cache.bin(c);
  return take(bin, bin.head != nullptr ? bin.head : refill(cache, heap, c), c, zeroed);
}

void* allocate_sampling(ThreadCache& cache, ThreadHeap& heap, unsigned c, bool zeroed,
                        bool& sampled) noexcept {
  FreeList& bin = cache.bin(c);
  Block* block = bin.head;
  if (block == nullptr) block = refill_sampling(cache, heap, c, sampled);
  return take(bin, block, c, zeroed);
}

// The common miss. Its block may be shown to who guards some (sample.hpp, the coarse point).
STRATA_INLINE void* miss(ThreadHeap& heap, size_t size, unsigned c, bool zeroed) noexcept {
  const bool counted_down = Machine::has_modes && heap.misses_left-- == 0;
  void* const block = allocate_small(thread_cache, heap, c, zeroed);
  if (STRATA_LIKELY(!counted_down)) return block;
  return sample::coarse_point(heap, block, size, zeroed);
}

// For a thread's first block, for threads that have finished, and while allocations are sampled.
STRATA_EARLY void* allocate_otherwise(size_t size, unsigned c, bool zeroed,
                                      size_t alignment) noexcept {
  ThreadHeap* const heap = thread_heap();
  const bool sampling = sample::is_on();
  bool sampled = false;
  void* block = nullptr;
  if (STRATA_LIKELY(heap != nullptr)) {
    if (!sampling && alignment == granule_size) return miss(*heap, size, c, zeroed);
    block = sampling ? allocate_sampling(thread_cache, *heap, c, zeroed, sampled)
                     : allocate_small(thread_cache, *heap, c, zeroed);
  } else if constexpr (Machine::threads_end) {  // those that have finished share one cache
    LockGuard guard(late.lock);
    late.heap.thread = Address(&late.heap);
    late.heap.cache = &late.cache;
    block = sampling ? allocate_sampling(late.cache, late.heap, c, zeroed, sampled)
                     : allocate_small(late.cache, late.heap, c, zeroed);
  }
  if (STRATA_LIKELY(!sampled) || block == nullptr) return block;
  sample::Allocation allocation;
  allocation.block = block;
  allocation.size = size;
  allocation.alignment = alignment;
  allocation.counted = size_of_class(c);
  allocation.zeroed = zeroed;
  return sample::show(heap, allocation);
}

// Sizes that no class has.
STRATA_INLINE void* allocate_unusual(size_t size, bool zeroed) noexcept {
  if (size != 0) return allocate_large(size, 1, zeroed);
  return Machine::parts_zero_sized ? allocate_zero_sized() : allocate(1);
}
STRATA_INLINE bool is_unusual(size_t size) noexcept { return size - 1 >= largest_small; }

// The slow paths' ways where the thread has no ThreadHeap.
template <Form form>
STRATA_NOINLINE void* allocate_without_heap(size_t size) noexcept {
  if (mode_serves()) return mode->allocate(size, form);
  if (is_unusual(size)) return allocate_unusual(size, false);
  return allocate_otherwise(size, class_of(size), false, granule_size);
}

STRATA_NOINLINE void* miss_near_sample(size_t size, unsigned c) noexcept {
  Block* const block = turn_bin_over<true>(c);
  if (STRATA_UNLIKELY(block == nullptr)) return allocate_otherwise(size, c, false, granule_size);
  block->mark = 0;
  return block;
}

STRATA_NOINLINE void* miss_sampling(size_t size, unsigned c) noexcept {
  Block* const block = turn_bin_over<false>(c);
  if (STRATA_UNLIKELY(block == nullptr)) return miss_near_sample(size, c);
  block->mark = 0;
  return block;
}

// A function of its own, so that where there is no heap nothing is put on the stack.
STRATA_NOINLINE void* allocate_with_heap(size_t size, ThreadHeap& heap) noexcept {
  if (STRATA_UNLIKELY(is_unusual(size))) return allocate_unusual(size, false);
  const unsigned c = class_of(size);
  if (STRATA_UNLIKELY(sample::is_on())) return miss_sampling(size, c);
  return miss(heap, size, c, false);
}

STRATA_NOINLINE void* allocate_zeroed_slow(size_t size) noexcept {
  ThreadHeap* const heap = thread_cache.heap;
  if (STRATA_UNLIKELY(heap == nullptr) && mode_serves()) return mode->allocate_zeroed(size);
  if (is_unusual(size)) return allocate_unusual(size, true);
  const unsigned c = class_of(size);
  if (STRATA_UNLIKELY(heap == nullptr || sample::is_on())) {
    return allocate_otherwise(size, c, true, granule_size);
  }
  return miss(*heap, size, c, true);
}

}  // namespace

// Where there are neither modes nor samples, and no thread ends.
constexpr bool plain = !Machine::has_modes && !Machine::threads_end;

template <Form form>
void* allocate_slow(size_t size) {
  if constexpr (plain) {
    if (is_unusual(size)) return allocate_unusual(size, false);
    ThreadHeap* const heap = thread_heap();
    return heap != nullptr ? allocate_small(thread_cache, *heap, class_of(size), false) : nullptr;
  }
  ThreadHeap* const heap = thread_cache.heap;
  constexpr Form told = Machine::has_modes ? form : Form::malloc;
  if (STRATA_UNLIKELY(heap == nullptr)) return allocate_without_heap<told>(size);
  return allocate_with_heap(size, *heap);
}
template void* allocate_slow<Form::malloc>(size_t size);
template void* allocate_slow<Form::new_one>(size_t size);
template void* allocate_slow<Form::new_array>(size_t size);

void* allocate_zeroed(size_t size) noexcept {
  if constexpr (built_small && plain) {
    if (size > largest_small) return allocate_large(size, 1, true);
    void* const block = allocate(size);
    return block != nullptr ? __builtin_memset(block, 0, size) : nullptr;
  }
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
        if (size_of_class(c) % alignment != 0) continue;
        if (plain || thread_cache.bin(c).head != nullptr) return allocate(size_of_class(c));
        return allocate_otherwise(size, c, false, alignment);
      }
    }
  }
  return allocate_large(size, alignment, false);
}

}  // namespace heap
}  // namespace strata
