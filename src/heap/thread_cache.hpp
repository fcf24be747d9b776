// ThreadCache: a thread's bins, in thread-local memory; and ThreadHeap, the rest of what it owns.
//
// The cache is valid when all zero, so the hot paths need no test for a thread's first call, and a
// thread that only frees runs at full speed. It is small (1.2 KiB: fits what glibc keeps for
// libraries that are loaded late); everything colder stands in the ThreadHeap, which the first
// miss creates.
//
//   bin of a class:  head -> block -> block ...     the free blocks of the active slab
//                    count, bias                    count - bias of its blocks are live
//
// Invariants: a bin is its active slab's FreeList, and that slab's own is empty; without an active
// slab the bin is zero; the slab's owner is this thread. While allocations are sampled (sample.hpp)
// the active slab's FreeList is ThreadHeap::returned, and the bin has just the blocks that malloc
// may take next, and in its count how many it took. Only the thread itself touches its cache and
// its heap; other threads reach slabs through Slot::remote alone (sharing.hpp). The registry of
// heaps is read by statistics and by the child of a fork.
#pragma once

#include "base/intrusive_list.hpp"
#include "heap/rest.hpp"
#include "heap/sample.hpp"
#include "heap/sharing.hpp"
#include "heap/size_classes.hpp"
#include "heap/thread_counts.hpp"
#include "platform/current.hpp"
#include "ranges/slot.hpp"

namespace strata {

struct ThreadHeap;

struct ThreadCache {
  // A FreeList a class, as two words at twice the class: plain words, because the compiler then
  // addresses them straight from the thread pointer. Neither malloc nor free of an active slab's
  // block writes anything else but the block: a slab's own line would be torn from its owner by
  // every thread that frees a block of it.
  union Word {
    Block* head = nullptr;
    std::uint32_t count;
  };
  Word words[2 * class_count] = {};

  [[nodiscard]] FreeList& bin(unsigned c) noexcept {
    return reinterpret_cast<FreeList&>(words[2 * c]);
  }

  ThreadHeap* heap = nullptr;
  void* mode_state = nullptr;  // what a mode (mode.hpp) has in place of `heap`
  bool finished = false;       // the thread's exit handler has run: nothing may be cached any more
};

// Blocks of other threads' slabs on their way home, a direct-mapped cache keyed by slab.
// As large as a slot, so that a slot's address tells the entry's place in few instructions.
struct alignas(sizeof(Slot)) OutboxEntry {
  Slot* slot = nullptr;
  Block* first = nullptr;
  Block* last = nullptr;
  std::uint32_t room = 0;  // blocks that may still join before the batch goes home
};

constexpr unsigned outbox_entries = 16;
// A batch goes home at this many blocks or bytes, whichever comes first, but not below the least:
// each costs an atomic operation and a look at the slab.
constexpr unsigned outbox_batch_blocks = 64;
constexpr unsigned outbox_batch_least = 8;
constexpr size_t outbox_batch_bytes = 16 * KiB;

struct StripRecord;

// The largest alignments first, so that little is lost between them.
struct ThreadHeap {
  OutboxEntry outbox[outbox_entries];
  unsigned outbox_used = 0;  // entries with blocks in them
  std::uint32_t number = 0;  // the system's number of the owner, for messages; 0: not known
  ThreadCache* cache = nullptr;
  Slot* active[class_count] = {};  // the slab each bin is filled from
  Address thread = 0;              // Machine::current_thread() of the owner
  // Partly free slabs of the thread that are not active, by class; the longest-waiting first.
  List<Slot> available[class_count];
  // Active slabs that had no live block when last looked at, oldest first; at most one a class.
  Slot* retained[class_count] = {};
  unsigned retained_count = 0;
  std::uint32_t misses_left = 0;  // until heap::sample::coarse_point is asked
  FreeList returned[class_count] = {};
  heap::sample::Countdown countdown;
  ThreadCounts counts;
  ThreadHeap* next = nullptr;  // registry, or the list of free heaps; guarded by its lock
  ThreadHeap* previous = nullptr;
  // Where falloc cuts next: in a strip (strip.hpp), which has so many bytes left and so many
  // blocks.
  Slot* strip = nullptr;
  StripRecord* strip_record = nullptr;
  Address strip_at = 0;
  size_t strip_left = 0;
  std::uint32_t strip_blocks = 0;
  Rest rest[class_count];  // used when the class is in need of a slab
  std::uint16_t available_count[class_count] = {};
  std::uint16_t sparse_count[class_count] = {};  // available slabs of which little is live
  bool emptied[class_count] = {};                // the class's active slab was empty before
};

}  // namespace strata
