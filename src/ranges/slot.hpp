// Slot: what Strata knows about one 64 KiB slot of a range. One cache line, out of band.
//
// The slots of a range stand in an array at the range's own start, so that a pointer finds its slot
// by arithmetic, and a block's overflow cannot reach what we know about it:
//
//    base                                          base + committed
//    | Slot[0] Slot[1] ... Slot[n-1] | 64 KiB of slot k | 64 KiB of slot k+1 | ...    (reserved)
//      <---- 64 bytes a slot ----->    k-th 64 KiB from base; slots under the array stay `none`
//
// Only the first slot of a run says what the run is; the others are `none`, except that the last
// slot of a free run carries the run's length too (a boundary tag, so that neighbours coalesce).
// A pointer into the middle of a run is therefore known as such.
//
// Which fields mean something depends on the kind:
//
//   field      slab                                 large            free run (first slot)
//   owner      thread whose slab it is, 0: let go   0                `older` in order of age
//   freed      blocks freed by the owner            size in bytes    `newer` in order of age
//   inverse    finds block starts                   -                `dirty`: touched units in it
//   count      frees until the owner looks          -                -
//   remote     see heap/sharing.hpp                 -                -
//   next, prev list of the owner or of the pool     -                list of the span core's bin
//   length     1                                    slots            slots
//   touched    every slot: units [0, touched) of 4 KiB may hold something else than zero
#pragma once

#include "base/atomic.hpp"
#include "base/attributes.hpp"
#include "base/units.hpp"

namespace strata {

enum class SlotKind : std::uint8_t {
  none = 0,  // inside a run, under the slot array, or not committed yet
  slab,
  large,
  checked_slab,   // of a mode that checks (src/harden): `checked` leads to what it knows
  checked_large,  // the same; the first slot of the block, not always of the run
  free_first,
  free_last,
};

// A free block, seen from its first bytes. A live block is all the program's.
struct Block {
  Block* next;
  // Tells free blocks from live ones; see BlockMark. Set when the block is freed or carved, cleared
  // when it is handed out.
  std::uintptr_t mark;
};
static_assert(sizeof(Block) == granule_size);

constexpr size_t carve_unit = 4 * KiB;
constexpr unsigned carve_units_per_slot = unsigned(slot_size / carve_unit);
constexpr std::uint8_t no_class = 0;

struct alignas(cache_line) Slot {
  // What free() reads. Written by the owner while it owns the slab, and by whoever takes it over.
  union {
    Address owner;  // read by any thread: through owned_by, set_owner
    Slot* older;
  };
  union {
    Block* freed;
    size_t size;
    Slot* newer;
    void* checked;
  };
  // A block starts at a granule g of the slab exactly when g * inverse (mod 2^32) < inverse.
  union {
    std::uint32_t inverse;  // slab: whether a block starts at an offset; see heap/size_classes.hpp
    std::uint32_t dirty;    // free run: the sum of its slots' `touched`
  };
  // Slab: count - bias blocks are live; of a thread's active slab, those that were handed out since
  // its bin was last looked at come on top (ThreadCache). free() counts down; 0 is an event.
  std::uint16_t count;
  std::uint16_t bias;
  std::uint8_t twice_class;  // no_class unless a slab; twice, as the class table has it
  SlotKind stored_kind;      // through kind() and set_kind()
  std::uint8_t touched;
  bool in_pool;            // guarded by the pool's lock
  std::uint16_t uncarved;  // bit u: carve unit u holds no block on any list
  std::uint16_t capacity;  // blocks of the slab when all are carved
  std::uint32_t length;
  union {
    std::uint32_t time;     // free run with dirty pages: when the oldest of them became free, in ms
    std::uint32_t backoff;  // active slab: see arm() in heap/free.cpp
    std::uint32_t seen;     // partly free slab: how often its class was in need; see heap/thin.cpp
  };
  Atomic<std::uint64_t> remote;
  Slot* next;
  Slot* previous;

  // Written by whoever has the run, read by anybody who has a pointer into it, and by the range
  // when a neighbour comes or goes. Relaxed: the range only asks whether the slot is free, and that
  // changes under the supply's lock alone; for all others the pointer came later than the kind.
  [[nodiscard]] SlotKind kind() const noexcept {
    SlotKind found;
    __atomic_load(&stored_kind, &found, __ATOMIC_RELAXED);
    return found;
  }
  void set_kind(SlotKind kind) noexcept { __atomic_store(&stored_kind, &kind, __ATOMIC_RELAXED); }

  // Relaxed: a thread finds its own number only where it wrote it; see heap/sharing.hpp.
  [[nodiscard]] bool owned_by(Address thread) const noexcept {
    return __atomic_load_n(&owner, __ATOMIC_RELAXED) == thread;
  }
  void set_owner(Address thread) noexcept { __atomic_store_n(&owner, thread, __ATOMIC_RELAXED); }

  // By the owner, or while nobody owns the slab. A reader who comes too late for that sees some
  // number, and finds out: see heap/sharing.hpp.
  STRATA_OVERTAKEN [[nodiscard]] std::uint16_t live() const noexcept {
    return std::uint16_t(count - bias);
  }
};
static_assert(sizeof(Slot) == cache_line);

}  // namespace strata
