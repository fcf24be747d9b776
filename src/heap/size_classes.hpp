// Size classes: which block sizes slabs are cut into.
//
// 16, 32, ... 256 in steps of a granule, then eight steps a doubling up to 32 KiB: 72 classes. Of a
// block's bytes 7.5% are rounding, in the mean over log-uniform sizes from 16 bytes up, and 11% at
// worst above 128 bytes. One byte-table load finds the
// class of any size up to 32 KiB, so there is no cliff at 1 KiB.
#pragma once

#include "base/attributes.hpp"
#include "base/bits.hpp"
#include "base/units.hpp"

namespace strata {

constexpr size_t largest_small = 32 * KiB;
constexpr unsigned linear_classes = 16;
constexpr unsigned steps_per_doubling = 8;
// A slab has at least so many blocks: a slab of few is full, let go and taken back all the time, at
// the price of two atomic operations each.
constexpr unsigned least_capacity = 16;
// Classes are numbered from 1, so that a zeroed slot has no class.
constexpr unsigned class_count = 1 + linear_classes + 7 * steps_per_doubling;

// Everything the heap wants to know about a class, computed by the compiler.
struct SizeClass {
  std::uint32_t size;
  std::uint32_t inverse;   // ceil(2^32 / size): see is_block_start
  std::uint16_t capacity;  // blocks in a slot
  std::uint16_t slots;     // slots in a slab
};

struct SizeClassTable {
  SizeClass classes[class_count];
  // Index: (size + 15) / 16. Value: twice the class, the scale of ThreadCache's bins. Size 0 has no
  // class, and so an empty bin: see heap/zero_sized.cpp.
  std::uint8_t twice_class_of[largest_small / granule_size + 1];
};

constexpr size_t compute_size(unsigned c) noexcept {
  if (c <= linear_classes) return c * granule_size;
  const unsigned doubling = (c - 1 - linear_classes) / steps_per_doubling;
  const unsigned step = (c - 1 - linear_classes) % steps_per_doubling + 1;
  const size_t from = (linear_classes * granule_size) << doubling;
  return from + from / steps_per_doubling * step;
}

constexpr SizeClass compute_class(unsigned c) noexcept {
  const size_t size = compute_size(c);
  SizeClass entry{};
  entry.size = std::uint32_t(size);
  entry.capacity = std::uint16_t(slot_size / size);
  entry.slots = 1;
  while (entry.slots * entry.capacity < least_capacity) entry.slots *= 2;
  entry.inverse = std::uint32_t(((std::uint64_t{1} << 32) + size - 1) / size);
  return entry;
}

// The class of a size, without the table; 0 for size 0.
constexpr unsigned compute_class_of(size_t size) noexcept {
  if (size <= linear_classes * granule_size) return unsigned(divide_up(size, granule_size));
  const unsigned log = log2_floor(size - 1);
  const unsigned step = unsigned((size - 1) >> (log - 3)) % steps_per_doubling;
  return linear_classes + 1 + (log - 8) * steps_per_doubling + step;
}
static_assert(steps_per_doubling == 8 && linear_classes * granule_size == 256);

constexpr SizeClassTable make_size_classes() noexcept {
  SizeClassTable table{};
  for (unsigned c = 1; c < class_count; ++c) table.classes[c] = compute_class(c);
  unsigned c = 1;
  for (size_t index = 1; index <= largest_small / granule_size; ++index) {
    while (table.classes[c].size < index * granule_size) ++c;
    table.twice_class_of[index] = std::uint8_t(2 * c);
  }
  return table;
}

inline constexpr SizeClassTable size_classes = make_size_classes();

// Small code computes classes, and saves the table's 3 KiB.
constexpr bool classes_in_table = !built_small;

// size <= largest_small. 0 for size 0.
constexpr unsigned twice_class_of(size_t size) noexcept {
  if constexpr (!classes_in_table) return 2 * compute_class_of(size);
  return size_classes.twice_class_of[(size + granule_size - 1) / granule_size];
}
// The same for size less + 1, one instruction cheaper for who has that at hand; not for size 0.
constexpr unsigned twice_class_above(size_t less) noexcept {
  if constexpr (!classes_in_table) return 2 * compute_class_of(less + 1);
  return size_classes.twice_class_of[less / granule_size + 1];
}
constexpr unsigned class_of(size_t size) noexcept {
  if constexpr (!classes_in_table) return compute_class_of(size);
  return size_classes.twice_class_of[(size + granule_size - 1) / granule_size] / 2U;
}
constexpr size_t size_of_class(unsigned c) noexcept {
  return classes_in_table ? size_classes.classes[c].size : compute_size(c);
}
constexpr SizeClass size_class(unsigned c) noexcept {
  return classes_in_table ? size_classes.classes[c] : compute_class(c);
}

// True when a block starts at byte `offset` of its slab: exact divisibility in one multiply. With
// m = ceil(2^32 / size) = (2^32 + e) / size, e < size, an offset q * size + r gives
// q * e + r * m (mod 2^32): below 2^16 when r is 0, at least m >= 2^17 and below 2^32 otherwise.
// Exact for offsets below 2^16 and sizes up to 2^15.
constexpr bool is_block_start(std::uint32_t offset, std::uint32_t inverse) noexcept {
  return offset * inverse < slot_size;
}
// The number of the block that byte `offset` of its slot lies in: the same product's upper half.
constexpr unsigned block_number(std::uint32_t offset, std::uint32_t inverse) noexcept {
  return unsigned(std::uint64_t{offset} * inverse >> 32);
}

}  // namespace strata
