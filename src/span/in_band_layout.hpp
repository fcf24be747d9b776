// In-band layouts: how wide a block's tag is, and how one block refers to another.
//
// A layout is chosen as a type. Sizes are counted in granules, so the low bits of a tag are free
// for flags. A link is what stands in memory instead of a pointer; `base` is the address it counts
// from.
//
//   layout     tag      link                        reach of links      least block, granule 16
//   Compact    4 bytes  32-bit count of 4 bytes     16 GiB              16 bytes
//   ShortTags  4 bytes  address                     everything          32 bytes (24, granule 8)
//   Pointers   8 bytes  address                     everything          32 bytes
//   Offsets    8 bytes  64-bit distance             everything          32 bytes
//
// Compact and Offsets mean the same at whatever address the memory is mapped, which shared memory
// needs. Compact is also the smallest: with it a block costs 4 bytes beyond its payload (dlmalloc
// and TLSF: 8), a block has at most 8 GiB, and the region lies within 8 GiB of its first span (in
// shared memory: within the 16 GiB behind the region object).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.hpp"

namespace strata::layout {

template <unsigned GranuleShift = strata::granule_shift>
struct Compact {
  static_assert(GranuleShift >= 3, "three flags stand below the size");
  static constexpr const char* name = "compact";
  using Word = std::uint32_t;
  using Link = std::uint32_t;
  static constexpr unsigned granule_shift = GranuleShift;
  static constexpr size_t granule = size_t{1} << GranuleShift;
  static constexpr unsigned size_shift = 3;
  static constexpr unsigned max_log2_units = 29;
  static constexpr bool position_free = true;

  // Counting in 4 bytes whatever the granule is, a link is an index that the processor scales
  // itself, and can name the head of a bin, too (SpanCore::before_head).
  static constexpr unsigned link_shift = 2;
  static constexpr size_t link_bytes = size_t{1} << link_shift;
  // A base that far below the first span lets links name addresses on both sides of it.
  static constexpr Address bias = Address{1} << (sizeof(Address) == 8 ? 33 : 31);

  static Address to_address(Link link, Address base) noexcept {
    return base + (Address{link} << link_shift);
  }
  static Link to_link(Address address, Address base) noexcept {
    return Link((address - base) >> link_shift);
  }
  static Link advance(Link link, size_t units) noexcept {
    return link + Link(units << (GranuleShift - link_shift));
  }
  // Can links that count from `base` name `address`?
  static bool reaches(Address address, Address base) noexcept {
    return (address - base) >> link_shift <= ~Link{0};
  }
};

template <unsigned GranuleShift = strata::granule_shift>
struct Pointers {
  static constexpr const char* name = "pointers";
  using Word = Address;
  using Link = Address;
  static constexpr unsigned granule_shift = GranuleShift;
  static constexpr size_t granule = size_t{1} << GranuleShift;
  // The tag reads as the block's size in bytes with flags in its low bits.
  static constexpr unsigned size_shift = GranuleShift;
  static constexpr unsigned max_log2_units = sizeof(Address) == 8 ? 36 : 28;
  static constexpr bool position_free = false;

  static Address to_address(Link link, Address) noexcept { return link; }
  static Link to_link(Address address, Address) noexcept { return address; }
  static Link advance(Link link, size_t units) noexcept { return link + (units << GranuleShift); }
  static bool reaches(Address, Address) noexcept { return true; }
};

// Links as quick as Pointers', headers as short as Compact's; a block has at most 8 GiB.
template <unsigned GranuleShift = strata::granule_shift>
struct ShortTags : Pointers<GranuleShift> {
  static_assert(GranuleShift >= 3, "three flags stand below the size");
  static constexpr const char* name = "short_tags";
  using Word = std::uint32_t;
  static constexpr unsigned size_shift = 3;
  static constexpr unsigned max_log2_units = sizeof(Address) == 8 ? 29 : 28;
};

template <unsigned GranuleShift = strata::granule_shift>
struct Offsets : Pointers<GranuleShift> {
  static constexpr const char* name = "offsets";
  using Link = Address;
  static constexpr Address bias = Address{1} << GranuleShift;  // no link to a block is 0
  static constexpr bool position_free = true;

  static Address to_address(Link link, Address base) noexcept { return base + link; }
  static Link to_link(Address address, Address base) noexcept { return address - base; }
};

}  // namespace strata::layout
