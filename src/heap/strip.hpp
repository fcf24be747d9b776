// Strip: a slot from which one thread cuts blocks of any size, one behind the other; falloc's.
//
// The thread only moves on: no class, no list, no search, and nothing freed is cut again. So that
// free(), realloc() and the checks know the blocks all the same, a record out of band has a bit for
// each granule: does a block start here, has it been freed?
//
//   slot     | block     | block | block         | not cut yet ...                         |
//   starts     1           1       1             ^ end                 set by the owner alone
//   freed      0           1       0                                   set by whoever frees
//
// Slot::remote counts: `open` less the blocks freed while the owner still cuts; after that, the
// blocks not freed yet. Whoever brings it to 0 gives the slot back, whole: until then its pages
// stay, which is the price of falloc. Slot::size is the record's address.
//
// Cost: falloc 33 instructions, free one atomic operation for the bit and one for the count.
#pragma once

#include "base/atomic.hpp"
#include "base/bits.hpp"
#include "ranges/slot.hpp"

namespace strata {

struct StripRecord {
  static constexpr size_t words = granules_per_slot / 64;

  StripRecord* next = nullptr;  // in the pool of records
  Atomic<std::uint32_t> end;    // granules cut; released after the start bit of what ends there
  Atomic<std::uint64_t> starts[words];
  Atomic<std::uint64_t> freed[words];

  static bool has(const Atomic<std::uint64_t>* bits, size_t granule) noexcept {
    return (bits[granule / 64].load(Order::relaxed) >> granule % 64 & 1) != 0;
  }
};

namespace heap::strip {

// More than any number of blocks.
constexpr std::uint32_t open = std::uint32_t{1} << 31;

inline StripRecord& record_of(const Slot* slot) noexcept {
  return *reinterpret_cast<StripRecord*>(slot->size);
}

// The block that covers a byte of the strip; bytes 0: none was cut there.
struct Found {
  size_t offset = 0;  // of its first byte
  size_t bytes = 0;
  bool live = false;
};
inline Found find(const Slot* slot, size_t offset) noexcept {
  const StripRecord& record = record_of(slot);
  // Pairs with the release in falloc: below `end` all starts are there.
  const size_t end = record.end.load(Order::acquire);
  size_t first = offset / granule_size;
  if (first >= end) return {};
  while (first != 0 && !StripRecord::has(record.starts, first)) --first;
  size_t behind = first + 1;
  while (behind < end && !StripRecord::has(record.starts, behind)) ++behind;
  return {first * granule_size, (behind - first) * granule_size,
          !StripRecord::has(record.freed, first)};
}

// Calls visit(offset, bytes, live) for every block, upwards.
template <class Visit>
void for_each_block(const Slot* slot, Visit&& visit) noexcept {
  for (size_t at = 0;;) {
    const Found block = find(slot, at);
    if (block.bytes == 0) return;
    visit(block.offset, block.bytes, block.live);
    at = block.offset + block.bytes;
    if (at >= slot_size) return;
  }
}

// Units that its blocks, or the slot's earlier lives, may have written.
inline Units written_units(const Slot* slot) noexcept {
  const size_t cut = record_of(slot).end.load(Order::relaxed) * granule_size;
  return Units(slot->written | first_units(divide_up(cut, carve_unit)));
}
inline size_t resident_bytes(const Slot* slot) noexcept {
  return count_units(written_units(slot)) * carve_unit;
}

}  // namespace heap::strip
}  // namespace strata
