// The heap's process-wide state, and the calls its slow paths share with one another.
//
// Lock order (each may be taken while holding those before it, never the other way):
//   late, registry, pool of a class (ascending), huge, strip, zero-sized, slot supply
#pragma once

#include "base/lock_guard.hpp"
#include "heap/heap.hpp"
#include "heap/report.hpp"
#include "heap/slab.hpp"
#include "heap/strip.hpp"
#include "heap/vain_count.hpp"
#include "ranges/metadata.hpp"

namespace strata::heap {

using ClassPool = sharing::Pool<Slot, Machine::Lock, List>;

struct State {
  ClassPool pools[class_count];

  // Registry of the threads' heaps.
  Machine::Lock registry_lock;
  List<ThreadHeap> heaps;
  MetadataPool<ThreadHeap> heap_records;
  Atomic<unsigned> threads;  // heaps in the registry; written under the lock
  ThreadCounts ended;        // what threads that ended had counted; guarded by the lock

  Atomic<size_t> thinned;  // ThreadCounts::thinned of threads without a heap
  // In vain: the slab was soon empty, or served from again. And of each class, in vain: no page was
  // found.
  VainCount<4> thinning;
  VainCount<0> class_thinning[Machine::commits_lazily ? class_count : 1];

  Machine::Lock strip_lock;
  MetadataPool<StripRecord> strip_records;  // guarded by strip_lock
};
STRATA_HIDDEN extern State state;

// Serves threads that have finished (allocation in late TLS destructors), one at a time.
struct Late {
  Machine::Lock lock;
  ThreadCache cache;
  ThreadHeap heap;
};
STRATA_HIDDEN extern Late late;

// The calling thread's heap, created when missing; nullptr when the thread has finished or memory
// is refused.
ThreadHeap* thread_heap() noexcept;

// Registers and recycles heaps (threads.cpp).
ThreadHeap* open_thread_heap() noexcept;
// Everything the calling thread holds goes home or to the pools; it has no heap any more.
void close_thread_heap() noexcept;

// For slow paths of a thread without a ThreadHeap: whether a mode serves it. Otherwise it has got
// one now, if there is memory and it has not finished.
inline bool mode_serves() noexcept {
  return STRATA_LIKELY(mode != nullptr) || (thread_heap() == nullptr && mode != nullptr);
}

// slab_life.cpp: a slab's way between owners. `heap` is the caller's own.
// The next slab to serve class c from, nullptr: no memory.
Slot* next_slab(ThreadHeap& heap, unsigned c) noexcept;
// A slab becomes the one that its class is served from, and ceases to be. `list`: the bin, or
// ThreadHeap::returned.
void activate(ThreadHeap& heap, Slot* slot, FreeList& list) noexcept;
Slot* deactivate(ThreadHeap& heap, unsigned c) noexcept;
// Adds what the bin has handed out to its slab's count, where they are kept apart.
void settle(ThreadHeap& heap, unsigned c) noexcept;
// Keeps the bin and what is freed apart, and puts them together again.
void part(ThreadHeap& heap, unsigned c) noexcept;
void unite(ThreadHeap& heap, unsigned c) noexcept;
// `slot` calls for its owner, the caller: all its bins come under sampling, or leave it.
void answer_call(ThreadHeap& heap, Slot* slot) noexcept;
bool let_go_full(ThreadHeap& heap, Slot* slot) noexcept;
void let_go_partial(Slot* slot) noexcept;
bool adopt(ThreadHeap& heap, Slot* slot) noexcept;
void release_slab(Slot* slot) noexcept;
// The slabs a thread owns that are partly free and not active: into their list, as the last, and
// out again. In between free() calls free_event when the slab's live blocks fall to a threshold,
// and when the last is freed; watch() sets the next one.
void join_available(ThreadHeap& heap, Slot* slot) noexcept;
void leave_available(ThreadHeap& heap, Slot* slot) noexcept;
void watch(ThreadHeap& heap, Slot* slot) noexcept;
// The active slab is empty: kept, within a budget, in case that it is needed again.
void retain(ThreadHeap& heap, Slot* slot) noexcept;
// What other threads freed comes home to a slab the caller owns, in front of what is free there.
void bring_in(Slot* slot) noexcept;
void put_back(FreeList& list, Block* blocks) noexcept;
Address address_of(const Slot* slot) noexcept;

// thin.cpp: free pages inside partly used slabs go back to the system.
// A slab the caller owns, not active, all its free blocks on Slot::freed.
void thin_owned(ThreadHeap& heap, Slot* slot) noexcept;
// A slab that is likely in its pool.
void thin_pooled(Slot* slot, unsigned size_class) noexcept;

// outbox.cpp: blocks on their way home.
void post(ThreadHeap* heap, Slot* slab, Block* block) noexcept;
void flush(ThreadHeap& heap, OutboxEntry& entry) noexcept;
// Entries are as large as slots: the slot's address modulo the table's size is the entry's place.
inline OutboxEntry& outbox_entry(ThreadHeap& heap, const Slot* slot) noexcept {
  return *reinterpret_cast<OutboxEntry*>(Address(heap.outbox) + Address(slot) % sizeof heap.outbox);
}
// The entry of a slab: that of its only slot, or, so that slabs of several slots do not all meet in
// a few entries, the one that their number among slabs of as many tells.
inline OutboxEntry& entry_of_slab(ThreadHeap& heap, const Slot* slab) noexcept {
  const size_t number = Address(slab) / sizeof(Slot) >> lowest_bit(slab->slots());
  return heap.outbox[number % outbox_entries];
}
// Joins a block to those that wait for the same slab. True: the batch is full, and has to go home.
STRATA_INLINE bool join(OutboxEntry& entry, Block* block) noexcept {
  block->next = entry.first;
  entry.first = block;
  return --entry.room == 0;
}
// A slab has become the thread's own: what waits for it comes straight into its list.
void empty_entry(ThreadHeap& heap, Slot* slab) noexcept;
void flush_outbox(ThreadHeap& heap) noexcept;
// How many blocks of class c are in a batch that has `room` for more.
unsigned batch_size(unsigned c, std::uint32_t room) noexcept;

// free.cpp: whether a block that bears the mark of free ones is on a list of them. A live block may
// bear it by chance: freed memory is copied around by programs that copy what they never wrote.
bool is_free(Slot* slot, const void* block) noexcept;
// The thread in whose outbox the block waits, or nullptr. Takes the registry's lock.
STRATA_COLD const ThreadHeap* waits_with(Slot* slot, const void* block) noexcept;

// zero_sized.cpp: blocks of no bytes. `slot` is of their kind.
void* allocate_zero_sized() noexcept;
void free_zero_sized(Slot* slot, void* pointer) noexcept;
bool is_zero_sized(Slot* slot, const void* pointer) noexcept;
// Visits the memory of their records. Under their lock.
using ChunkVisitor = void (*)(void* context, Address chunk, size_t bytes);
void for_each_zero_sized_record_chunk(ChunkVisitor visit, void* context) noexcept;
Machine::Lock& zero_sized_lock() noexcept;

// large.cpp
void* allocate_large(size_t size, size_t alignment, bool zeroed) noexcept;
void free_large(Slot* run, void* pointer) noexcept;
void* reallocate_large(Slot* run, size_t size) noexcept;
// For the sampling point: a block was moved by other ways than allocate_large, or resized in place.
void count_moved(void* block, size_t size) noexcept;
void count_grown(void* block, size_t old_size, size_t size) noexcept;

// strip.cpp: blocks cut one behind the other, by falloc.
void free_in_strip(Slot* slot, void* pointer) noexcept;
// 0 and a report when no live block begins there.
size_t size_in_strip(Slot* slot, const void* pointer) noexcept;
// The thread cuts no more from its strip, which goes back when its last block is freed.
void close_strip(ThreadHeap& heap) noexcept;
void close_strip_if_empty(ThreadHeap& heap) noexcept;

// Notes that the calling thread was given a large or huge block, for who observes a process.
inline void count_large_block(size_t size) noexcept {
  if constexpr (!Machine::has_modes) return;
  if (thread_cache.heap != nullptr) thread_cache.heap->counts.add_large(size);
}
// Notes that it gave back pages inside a partly used slab.
inline void count_thinned(size_t bytes) noexcept {
  if (thread_cache.heap != nullptr) {
    thread_cache.heap->counts.thinned += bytes;
  } else {
    state.thinned.fetch_add(bytes, Order::relaxed);
  }
}

// huge.cpp: mappings of their own.
void* allocate_huge(size_t size, size_t alignment) noexcept;
bool free_huge(void* pointer) noexcept;
// Usable bytes of a huge block, 0 when the address is none.
size_t huge_size(const void* pointer) noexcept;
// What a huge block that is freed was, 0 when the address is none or it is long ago.
size_t freed_huge_size(const void* pointer) noexcept;
// Bytes of the huge block around the address, and where it begins; 0: none. Cold.
size_t huge_around(Address address, Address& begin) noexcept;
[[gnu::nonnull]] void* reallocate_huge(void* pointer, size_t size) noexcept;
struct HugeUsage {
  size_t blocks = 0;
  size_t bytes = 0;
};
HugeUsage huge_usage() noexcept;
// Visits every huge block; the memory of their records. Under the table's lock.
using HugeVisitor = void (*)(void* context, Address address, size_t bytes);
void for_each_huge(HugeVisitor visit, void* context) noexcept;
void for_each_huge_record_chunk(HugeVisitor visit, void* context) noexcept;
Machine::Lock& huge_lock() noexcept;

}  // namespace strata::heap
