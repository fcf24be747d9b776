// Slab: a slot, or a few in a row, cut in equal blocks of a size class, carved piece by piece.
//
// Each slot of a slab is cut for itself, so that no block lies in two; what is left at a slot's end
// is never touched. Together they have one owner, one list of free blocks and one count.
//
// A slot begins with no block on any list; Slot::uncarved has a bit for each 4 KiB unit it may use.
// Carving a unit links the blocks that overlap it, except those that also overlap a unit which is
// still uncarved: so a block is on a list, in a bin or live exactly when none of its units is
// uncarved. Pages are touched only as they are needed, and a unit whose blocks are all free can be
// turned uncarved again.
//
//   units       | 0      | 1      | 2      | 3 ...          class of 1792 bytes, unit 0 carved:
//   blocks      [0 ][1 ][2 ][3 ][4 ][5 ][6 ][7 ]...         0 and 1 are on the list, 2 waits
//
// The owner alone calls these.
#pragma once

#include "heap/heap.hpp"

namespace strata::slab {

// Makes a run of slots a slab of class c, owned by `owner`.
inline void format(Slot* slab, unsigned slots, unsigned c, Address owner) noexcept {
  const SizeClass size_class = strata::size_class(c);
  const size_t units = divide_up(size_t{size_class.capacity} * size_class.size, carve_unit);
  for (unsigned i = 0; i < slots; ++i) {
    Slot& slot = slab[i];
    slot.inverse = size_class.inverse;
    slot.twice_class = std::uint8_t(2 * c);
    slot.shape = std::uint8_t((slots - 1) * 16 + i);
    slot.uncarved = first_units(units);
  }
  *slab->own_list() = {nullptr, 0, 0};
  slab->in_pool = slab->thinned = false;
  slab->remote.store(0, Order::relaxed);
  slab->next = slab->previous = nullptr;
  slab->set_list(slab->own_list());
  slab->set_owner(owner);
  for (unsigned i = 0; i < slots; ++i) slab[i].set_kind(SlotKind::slab);
}

inline unsigned class_of(const Slot* slot) noexcept { return slot->twice_class / 2U; }
inline size_t block_size(const Slot* slot) noexcept { return size_of_class(class_of(slot)); }

// The units that a block at byte `offset` of its slot reaches into, as bits.
inline unsigned units_of(size_t offset, size_t size) noexcept {
  return (2U << (offset + size - 1) / carve_unit) - (1U << offset / carve_unit);
}

// Whether the block at byte `offset` of a slot reaches into a unit that is not carved. Asked by any
// thread: the bits of a live block's units do not change.
STRATA_OVERTAKEN inline bool reaches_uncarved(const Slot* slot, size_t offset) noexcept {
  const unsigned uncarved = slot->uncarved;
  return uncarved != 0 && (uncarved & units_of(offset, block_size(slot))) != 0;
}

// Units that are carved at once, beginning with the lowest uncarved one: pages that are in memory
// anyway cost nothing but the time for their blocks, so as many as hold a few.
constexpr size_t carved_ahead = 8;
inline unsigned units_at_once(unsigned uncarved, unsigned written, unsigned unit,
                              size_t size) noexcept {
  if constexpr (!Machine::commits_lazily) return 1;
  const unsigned resident = lowest_bit(~((uncarved & written) >> unit));
  const size_t enough = carved_ahead * size / carve_unit;
  return resident <= 1 || enough <= 1 ? 1 : resident < enough ? resident : unsigned(enough);
}

// Carves the next units of one slot until at least one block is free. Returns their list in order
// of address, or nullptr when everything is carved.
inline Block* carve(Slot* slot, Address address) noexcept {
  const size_t size = block_size(slot);
  unsigned uncarved = slot->uncarved;
  [[maybe_unused]] const unsigned written = slot->written;
  Block* list = nullptr;
  while (list == nullptr && uncarved != 0) {
    const unsigned unit = lowest_bit(uncarved);
    const unsigned units = units_at_once(uncarved, written, unit, size);
    uncarved &= ~(unsigned{first_units(units)} << unit);
    size_t first = unit * carve_unit / size;
    size_t last = ((unit + units) * carve_unit - 1) / size;
    if (last >= slot->slot_capacity()) last = slot->slot_capacity() - 1U;
    // Only the blocks at the unit's edges can overlap other units. Which of these are uncarved?
    const auto waits = [&](size_t block) { return (uncarved & units_of(block * size, size)) != 0; };
    if (waits(first)) ++first;
    size_t end = last + 1;
    if (first < end && waits(last)) --end;
    if (first >= end) continue;
    const bool zero = Machine::commits_lazily && (written >> unit & 1) == 0;
    // Either mark is twice the address and a number: chosen once, not for each block.
    const std::uintptr_t mark = zero ? mark_zero(nullptr) : mark_freed(nullptr);
    for (Address at = address + end * size; at != address + first * size;) {
      at -= size;
      auto* const free = reinterpret_cast<Block*>(at);
      free->next = list;
      free->mark = 2 * at + mark;
      list = free;
    }
    if constexpr (!Machine::commits_lazily) continue;
    const auto mark_edge = [&](size_t block) {
      if ((written & units_of(block * size, size)) == 0) return;
      auto* const free = reinterpret_cast<Block*>(address + block * size);
      free->mark = mark_freed(free);
    };
    mark_edge(first);
    mark_edge(end - 1);
    slot->written = Units(written | units_of(first * size, (end - first) * size));
  }
  slot->uncarved = Units(uncarved);
  return list;
}

// The same for a slab at `address`.
inline Block* carve_next(Slot* slab, Address address) noexcept {
  for (unsigned i = 0; i < slab->slots(); ++i) {
    if (slab[i].uncarved == 0) continue;
    if (Block* const list = carve(slab + i, address + i * slot_size)) return list;
  }
  return nullptr;
}

inline bool has_uncarved(const Slot* slab) noexcept {
  for (unsigned i = 0; i < slab->slots(); ++i) {
    if (slab[i].uncarved != 0) return true;
  }
  return false;
}

// Bytes of units that may hold something, be it from the slots' earlier lives.
inline size_t resident_bytes(const Slot* slab) noexcept {
  unsigned units = 0;
  for (unsigned i = 0; i < slab->slots(); ++i) {
    units += count_units(slab[i].written);
  }
  return units * carve_unit;
}

}  // namespace strata::slab
