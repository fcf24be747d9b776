// The heap: objects for programs, storey 3. This is its whole interface to the storeys above.
//
// Follow one malloc in src/README.md. Hot paths are inline here; everything they miss into is cold:
//
//   allocate  bin of the class has a block       15 instructions; else refill (refill.cpp)
//   free      own slab, block start, not free    26 instructions; else free_elsewhere,
//   free_suspect,
//             already, slab not empty            free_event (free.cpp)
//
// All functions are thread-safe, never throw, return nullptr when memory is refused (setting errno
// is the front's business) and keep errno. Corruption is reported by Machine::fail, which ends.
#pragma once

#include "base/attributes.hpp"
#include "heap/mode.hpp"
#include "heap/thread_cache.hpp"
#include "ranges/slot_supply.hpp"

namespace strata {

STRATA_HIDDEN extern thread_local constinit ThreadCache thread_cache
    __attribute__((tls_model("initial-exec")));

// What Block::mark holds in a free block: a number of the block's own, which no program has. Twice
// an address is no address; and it differs from block to block, so that a stale one that a program
// copies along with memory it never wrote accuses no other block.
inline std::uintptr_t mark_freed(const void* block) noexcept { return 2 * Address(block) + 1; }
// A block that was carved from pages which read zero and has not been handed out since.
inline std::uintptr_t mark_zero(const void* block) noexcept { return 2 * Address(block) + 2; }

namespace heap {

// `form` and `size` are for modes that compare them; otherwise nobody looks.
template <Form form = Form::malloc>
STRATA_NOINLINE void* allocate_slow(size_t size);
template <Form form, class... Size>
STRATA_NOINLINE void free_elsewhere(void* pointer, Size... size) noexcept;
template <Form form, class... Size>
STRATA_NOINLINE void free_of_other(void* pointer, Slot* slot, Size... size) noexcept;
STRATA_NOINLINE void free_suspect(void* pointer) noexcept;
STRATA_NOINLINE void free_event(Slot* slot) noexcept;

// A block of at least `size` bytes, aligned to 16. size 0 gives a block of its own. `Slow` is
// called when the bin is empty or the size is not small: a front that must do more on failure
// (set errno, call the new handler) puts its own there, so that this path stays a leaf.
template <void* (*Slow)(size_t) = allocate_slow>
STRATA_INLINE void* allocate(size_t size) {
  if (STRATA_LIKELY(size <= largest_small)) {
    const size_t twice_class = twice_class_of(size);
    Block* const block = thread_cache.words[twice_class].head;
    if (STRATA_LIKELY(block != nullptr)) {
      thread_cache.words[twice_class].head = block->next;
      ++thread_cache.words[twice_class + 1].count;
      block->mark = 0;
      return block;
    }
  }
  return Slow(size);
}

// Gives a block back. Null is nothing. `size`: what a sized form of free says it was.
template <Form form = Form::malloc, class... Size>
STRATA_INLINE void free(void* pointer, Size... size) noexcept {
  const Address offset = Address(pointer) + seen_primary_bias();
  if (STRATA_UNLIKELY(offset >= seen_primary_bytes()))
    return free_elsewhere<form>(pointer, size...);
  Slot* const slot = reinterpret_cast<Slot*>(seen_primary_base()) + (offset >> slot_shift);
  if (STRATA_UNLIKELY(!slot->owned_by(Machine::current_thread()))) {
    return free_of_other<form>(pointer, slot, size...);
  }
  if (STRATA_UNLIKELY(!is_block_start(std::uint16_t(Address(pointer)), slot->inverse))) {
    return free_suspect(pointer);
  }
  auto* const block = static_cast<Block*>(pointer);
  const std::uintptr_t mark = mark_freed(pointer);
  if (STRATA_UNLIKELY(block->mark == mark)) return free_suspect(pointer);
  block->mark = mark;
  FreeList* const list = slot->list;
  block->next = list->head;
  list->head = block;
  if (STRATA_UNLIKELY(--list->count == 0)) free_event(slot);
}

// The next bytes at the end of the thread's strip, without a search. Blocks over 32 KiB that do not
// fit there, and those of threads that have finished, are allocate's.
void* falloc(size_t size) noexcept;
// As allocate, and the block reads zero.
void* allocate_zeroed(size_t size) noexcept;
// alignment: a power of two.
void* allocate_aligned(size_t alignment, size_t size, Form form = Form::malloc) noexcept;
// A block stays where it is when it is at most so many classes larger than it need be.
constexpr unsigned classes_kept = 3;
// Bytes are subtracted: what is in no slab (class 0) must not seem that near to any class.
static_assert(2 * (class_count + classes_kept) < 256);
// The block's contents up to the smaller size survive; nullptr leaves the old block alone.
void* reallocate_slow(void* pointer, size_t size) noexcept;

template <void* (*Slow)(void*, size_t) = reallocate_slow>
STRATA_INLINE void* reallocate(void* pointer, size_t size) noexcept {
  const Address offset = Address(pointer) + seen_primary_bias();
  const size_t less = size - 1;
  if (STRATA_LIKELY(offset < seen_primary_bytes() && less < largest_small)) {
    const Slot* const slot =
        reinterpret_cast<const Slot*>(seen_primary_base()) + (offset >> slot_shift);
    if (STRATA_LIKELY(std::uint8_t(slot->twice_class - twice_class_above(less)) <=
                          2 * classes_kept &&
                      is_block_start(std::uint16_t(Address(pointer)), slot->inverse) &&
                      static_cast<Block*>(pointer)->mark != mark_freed(pointer))) {
      return pointer;
    }
  }
  return Slow(pointer, size);
}

// Bytes of the block that the program may use; 0 for null. Reports pointers that are no block.
size_t usable_size(void* pointer) noexcept;

// Gives free memory back now, keeping `keep` bytes resident. Returns the bytes given back.
size_t trim(size_t keep) noexcept;

// What the first allocation does besides: reads the options. For who takes slots past the heap.
void start() noexcept;

// Fork: before() holds every lock; after_in_parent() and after_in_child() let go.
void before_fork() noexcept;
void after_fork_in_parent() noexcept;
void after_fork_in_child() noexcept;

// The thread's exit handler: everything it holds goes home or to the pools. The thread may call the
// heap afterwards; it then works without caching.
void finish_thread() noexcept;

// At the process's end, by the thread that ends it: looks over what this thread keeps ready
// (hardened mode: over more), whether it was written to after it was freed. Some microseconds.
void verify_at_exit() noexcept;

// What the storey above must define (constant-initialised, because the first allocation may come
// before any constructor): called once a thread when it first needs a ThreadHeap, to arrange for
// finish_thread; and once before the first slow path does anything, to set options.
using Hook = void (*)() noexcept;
extern const Hook on_thread_start;
extern const Hook on_first_use;

}  // namespace heap
}  // namespace strata
