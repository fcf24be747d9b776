// Slab: one slot cut in equal blocks of a size class, and what is known of each, out of band. And
// the pool of a class, from which threads take free blocks at random and to which they give them
// back.
//
//   slot     | block | block | block | ...                       | guard page |     64 KiB
//   window   <--------- handed out at random --------->  fresh: never touched
//
// The window opens in doubling steps when nothing in it is free: so places are random among at
// least sixteen, and a program that needs ten blocks does not touch sixteen pages. It closes again
// when the slab is empty and its pages have gone back.
//
// Everything here is guarded by the pool's lock, except the records (see harden.hpp). Cost: some 15
// instructions a block, taken or given, and one lock a batch.
#pragma once

#include "base/intrusive_list.hpp"
#include "base/lock_guard.hpp"
#include "harden/random.hpp"
#include "harden/record.hpp"
#include "heap/size_classes.hpp"
#include "ranges/slot_supply.hpp"

namespace strata::harden {

// What hardened mode wants to know about a class; computed at start, because the guard page is as
// large as the system's pages are.
struct Shape {
  std::uint32_t size = 0;
  std::uint32_t inverse = 0;  // see is_block_start
  std::uint16_t capacity = 0;
  std::uint16_t first_window = 0;
  // Of a thread's cache: blocks it may hold ready, and how many wait in each of its two
  // quarantines, a power of two. Bounded by bytes, because an idle thread strands them.
  std::uint16_t ready = 0;
  std::uint16_t quarantine = 0;
  std::uint32_t cache_offset = 0;  // where the class's cache lies in a ThreadState
};

struct Slab {
  // When free pages of a partly used slab are worth a system call: the first time an eighth is
  // left, then when it is empty; again after it was half full.
  enum class Purge : std::uint8_t { when_sparse, when_empty, done };

  Slot* slot = nullptr;
  Address address = 0;
  Slab* next = nullptr;  // in the list of slabs with free blocks
  Slab* previous = nullptr;
  Slab* older = nullptr;  // in the list of all, or of records without a slot
  Slab* queued =
      nullptr;  // in the queue of those whose free pages may go back; guarded by its lock
  std::uint32_t queued_at = 0;
  // Of the class, so that free() finds them here: a block's size, where the class's cache lies in a
  // ThreadState, its quarantines' and its ready places.
  std::uint32_t size = 0;
  std::uint32_t cache_offset = 0;
  std::uint16_t quarantine = 0;
  std::uint16_t most_ready = 0;
  std::uint16_t size_class = 0;
  std::uint16_t capacity = 0;
  std::uint16_t window = 0;
  std::uint16_t free_count = 0;  // bits set
  Purge purge = Purge::when_sparse;
  bool waits = false;    // in the queue
  bool guarded = false;  // behind its last block

  [[nodiscard]] bool is_empty() const noexcept { return free_count == window; }
  // Its free pages are worth a system call.
  [[nodiscard]] bool is_due() const noexcept {
    return is_empty() ? purge != Purge::done
                      : purge == Purge::when_sparse && free_count >= window - window / 8U;
  }
  // Behind this: a record a block, then a bit a block.
  [[nodiscard]] Record* records() noexcept { return reinterpret_cast<Record*>(this + 1); }
  [[nodiscard]] std::uint64_t* free_bits() noexcept {
    return reinterpret_cast<std::uint64_t*>(
        align_up(Address(records() + capacity), sizeof(std::uint64_t)));
  }
  static constexpr size_t bytes_for(size_t capacity) noexcept {
    return sizeof(Slab) + align_up(capacity * sizeof(Record), 8) + divide_up(capacity, 64) * 8;
  }
};

// A block and its record, so that neither needs to be found again. Without initial values: arrays of
// it are filled at once.
struct Entry {
  void* block;
  Record* record;
};

class Pool {
 public:
  // Takes up to `wanted` free blocks, at random; fewer, but at least one, when the slab has no
  // more; 0 when memory is refused.
  unsigned take(unsigned c, Entry* entries, unsigned wanted, Random& random) noexcept;
  // The slots of the blocks lead to their slabs, all of this class.
  void give(const Entry* entries, unsigned count) noexcept;

  // Gives the free pages of a slab back. Returns their bytes.
  size_t purge(Slab* slab) noexcept;
  size_t purge_all() noexcept;

  // Calls visit(slab) for each slab of the class.
  template <class Visit>
  void for_each(Visit&& visit) noexcept {
    LockGuard guard(lock_);
    for (Slab* slab = all_; slab != nullptr; slab = slab->older) visit(*slab);
  }
  Machine::Lock& lock() noexcept { return lock_; }

 private:
  Slab* available(unsigned c) noexcept;
  Slab* open(unsigned c) noexcept;
  Slab* record_for(const Shape& shape) noexcept;
  void give_one(const Entry& entry) noexcept;
  void give_slot_back(Slab* slab) noexcept;
  size_t purge_locked(Slab* slab) noexcept;

  Machine::Lock lock_;
  // Slabs with free blocks: the first is served from. Those that just became empty come first, for
  // their pages are warm; the others wait their turn.
  List<Slab> available_;
  List<Slab> purged_;      // empty slabs whose pages have gone back: when there is no other
  Slab* all_ = nullptr;    // every slab that has a slot
  Slab* spare_ = nullptr;  // records of slabs whose slot went back, where addresses are few
};

STRATA_HIDDEN extern Shape shapes[class_count];
STRATA_HIDDEN extern Pool pools[class_count];

void prepare_shapes() noexcept;

// The slab in a slot of the kind `checked_slab`.
inline Slab* slab_of(const Slot* slot) noexcept { return static_cast<Slab*>(slot->checked); }
// The slab of a small block.
STRATA_INLINE Slab* slab_of_block(const void* block) noexcept {
  const Address offset = Address(block) - seen_primary_base();
  if (STRATA_UNLIKELY(offset >= seen_primary_bytes())) {
    return slab_of(slot_supply.find(Address(block)));
  }
  return slab_of(reinterpret_cast<Slot*>(seen_primary_base()) + (offset >> slot_shift));
}

// Slabs whose free pages may go back: the oldest go when there is more than the dirty limit of
// them, or after the purge delay. push: with the slab's pool locked; run: with no lock held.
void push_to_purge(Slab* slab) noexcept;
void purge_excess() noexcept;
// All of them; the same rules. Returns bytes.
size_t purge_waiting() noexcept;
Machine::Lock& purge_lock() noexcept;

}  // namespace strata::harden
