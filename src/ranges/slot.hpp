// Slot: what Strata knows about one 64 KiB slot of a range. One cache line, out of band.
//
// The slots of a range stand in an array at the range's own start, so that a pointer finds its slot
// by arithmetic, and a block's overflow cannot reach what we know about it:
//
//    base                                          base + committed
//    | Slot[0] Slot[1] ... Slot[n-1] | 64 KiB of slot k | 64 KiB of slot k+1 | ...    (reserved)
//      <---- 64 bytes a slot ----->    k-th 64 KiB from base; slots under the array stay `none`
//
// Only the first slot of a run says what the run is; the others are `none`, with two exceptions:
// the last slot of a free run carries the run's length too (a boundary tag, so that neighbours
// coalesce), and all slots of a slab are cut alike and say what free() reads. A pointer into the
// middle of another run is therefore known as such.
//
// Which fields mean something depends on the kind:
//
//   field      slab                                 large, strip,    free run (first slot)
//                                                   lent
//   owner      thread whose slab it is, or none     0                `older` in order of age
//   list       where its free blocks are            size in bytes,   `newer` in order of age
//                                                   strip: record
//   freed      free blocks, unless it is active     -                -
//   count      frees until the owner looks          `length`: slots  `length`: slots
//   bias       what count exceeds the live ones by  1: sampled       `time`: when it became free
//   inverse    finds block starts                   -                `dirty`: units written in it
//   remote     see heap/sharing.hpp                 strip: count     -
//   next, prev list of the owner or of the pool     -                list of the span core's bin
//   written    every slot: bit u: unit u of 4 KiB may hold something else than zero
//
// Of the slots of a slab behind its first, only owner, list, inverse, uncarved, shape, twice_class,
// kind and written mean something.
#pragma once

#include "base/atomic.hpp"
#include "base/attributes.hpp"
#include "base/bits.hpp"
#include "base/units.hpp"

namespace strata {

enum class SlotKind : std::uint8_t {
  none = 0,  // inside a run, under the slot array, or not committed yet
  slab,
  large,
  zero_sized,     // addresses of blocks of no bytes; `checked` leads to which are live
  checked_slab,   // of a mode that checks (src/harden): `checked` leads to what it knows
  checked_large,  // the same; the first slot of the block, not always of the run
  sampled,        // a slab whose blocks are a client's of the sampling point: heap/sample.hpp
  strip,          // heap/strip.hpp
  lent,           // slot_source.hpp
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

// Free blocks of a slab, the one freed last in front. free() counts down and malloc() up; 0 is an
// event; count - bias blocks are live. Overlays the words of a slab, or of a bin.
struct [[gnu::may_alias]] FreeList {
  Block* head;
  std::uint32_t count;
  std::uint32_t bias;

  [[nodiscard]] std::uint16_t live() const noexcept { return std::uint16_t(count - bias); }
};

constexpr size_t carve_unit = 4 * KiB;
constexpr unsigned carve_units_per_slot = unsigned(slot_size / carve_unit);
// A bit for each unit of a slot, and these bits for the first of them.
using Units = std::uint16_t;
static_assert(carve_units_per_slot <= 16);
constexpr Units first_units(size_t units) noexcept { return Units((1U << units) - 1); }
constexpr Units all_units = first_units(carve_units_per_slot);
// Most often they are the first ones, or none or all.
constexpr unsigned count_units(Units units) noexcept {
  if constexpr (built_small) return count_ones(units);
  const unsigned first = lowest_bit(~unsigned{units});
  const unsigned others = units >> first;
  return others == 0 ? first : first + count_ones(others);
}
// visit(first, count) for each row of bits that are set, the lowest first.
template <class Visit>
void for_each_row(Units units, Visit&& visit) noexcept {
  for (unsigned left = units; left != 0;) {
    const unsigned first = lowest_bit(left);
    const unsigned count = lowest_bit(~(left >> first));
    left &= ~(unsigned{first_units(count)} << first);
    visit(first, count);
  }
}
constexpr std::uint8_t no_class = 0;
constexpr unsigned most_slab_slots = 8;

struct alignas(cache_line) Slot {
  // What free() reads. Written by the owner while it owns the slab, and by whoever takes it over.
  union {
    Address owner;  // read by any thread: through owned_by, set_owner
    Slot* older;
  };
  union {
    // Where the slab's free blocks are: own_list(), or, while the slab is the one its thread serves
    // the class from, the bin in the thread's cache.
    FreeList* list;
    size_t size;
    Slot* newer;
    void* checked;
  };
  Block* freed;  // these three are own_list()
  union {
    std::uint32_t count;
    std::uint32_t length;
  };
  union {
    std::uint32_t bias;
    std::uint32_t time;  // free run with dirty pages: when the oldest of them became free, in ms
  };
  // A block starts at a granule g of the slab exactly when g * inverse (mod 2^32) < inverse.
  union {
    std::uint32_t inverse;  // slab: whether a block starts at an offset; see heap/size_classes.hpp
    std::uint32_t dirty;    // free run: units that may hold something
  };
  Atomic<std::uint32_t> remote;
  Slot* next;
  Slot* previous;
  union {
    Units uncarved;  // bit u: carve unit u holds no block on any list
    std::uint16_t checked_capacity;
  };
  Units written;
  std::uint8_t shape;        // slab: its slots - 1, times 16, plus which of them this is
  std::uint8_t twice_class;  // no_class unless a slab; twice, as the class table has it
  SlotKind stored_kind;      // through kind() and set_kind()
  bool in_pool : 1;          // guarded by the pool's lock
  bool thinned : 1;          // the same: pages of it went to the system

  // Written by whoever has the run, read by anybody who has a pointer into it, and by the range
  // when a neighbour comes or goes. Relaxed: the range only asks whether the slot is free, and that
  // changes under the supply's lock alone; for all others the pointer came later than the kind.
  STRATA_TINY [[nodiscard]] SlotKind kind() const noexcept {
    SlotKind found;
    __atomic_load(&stored_kind, &found, __ATOMIC_RELAXED);
    return found;
  }
  STRATA_TINY void set_kind(SlotKind kind) noexcept {
    __atomic_store(&stored_kind, &kind, __ATOMIC_RELAXED);
  }

  // Relaxed: a thread finds its own number only where it wrote it; see heap/sharing.hpp.
  [[nodiscard]] bool owned_by(Address thread) const noexcept {
    return __atomic_load_n(&owner, __ATOMIC_RELAXED) == thread;
  }
  // Another thread wants the owner's attention: its next free here finds a slab that is not its
  // own, and it answers. Nothing happens where the slab is no longer the owner's.
  void call_owner(Address thread) noexcept {
    __atomic_compare_exchange_n(&owner, &thread, thread ^ call, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
  }
  [[nodiscard]] bool calls_for(Address thread) const noexcept { return owned_by(thread ^ call); }
  static constexpr Address call = ~(~Address{0} >> 1);  // no thread's number, nor its complement
  // Of the first slot of a slab, for all of them; set_list too.
  void set_owner(Address thread) noexcept {
    for (Slot *slot = this, *end = this + slots(); slot != end; ++slot) {
      __atomic_store_n(&slot->owner, thread, __ATOMIC_RELAXED);
    }
  }
  void set_list(FreeList* where) noexcept {
    for (Slot *slot = this, *end = this + slots(); slot != end; ++slot) slot->list = where;
  }

  // Slab: how many slots it has, and the first of them.
  [[nodiscard]] unsigned slots() const noexcept { return shape / 16U + 1; }
  [[nodiscard]] bool is_first() const noexcept { return shape % 16 == 0; }
  [[nodiscard]] Slot* first() noexcept { return this - shape % 16; }
  [[nodiscard]] const Slot* first() const noexcept { return this - shape % 16; }

  [[nodiscard]] FreeList* own_list() noexcept { return reinterpret_cast<FreeList*>(&freed); }

  // Blocks of this slot when all are carved: 2^16 / size. And of the whole slab.
  [[nodiscard]] std::uint16_t slot_capacity() const noexcept {
    return std::uint16_t(inverse >> 16);
  }
  [[nodiscard]] std::uint16_t capacity() const noexcept {
    return std::uint16_t(slot_capacity() * slots());
  }

  // Of a slab that is not active. By the owner, or while nobody owns the slab. A reader who comes
  // too late for that sees some number, and finds out: see heap/sharing.hpp.
  STRATA_OVERTAKEN [[nodiscard]] std::uint16_t live() const noexcept {
    return std::uint16_t(count - bias);
  }
};
static_assert(sizeof(Slot) == cache_line);
static_assert(__builtin_offsetof(Slot, count) - __builtin_offsetof(Slot, freed) ==
                  __builtin_offsetof(FreeList, count) &&
              __builtin_offsetof(Slot, bias) - __builtin_offsetof(Slot, freed) ==
                  __builtin_offsetof(FreeList, bias));

}  // namespace strata
