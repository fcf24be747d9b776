// A shadow of slots handed out: who has them, what was written there. Finds runs that overlap, lost
// contents, and clean slots that do not read zero.
#pragma once

#include <cstring>
#include <map>

#include "base/bits.hpp"
#include "base/units.hpp"
#include "platform/current.hpp"
#include "ranges/slot.hpp"

namespace test {

using strata::Address;
using strata::size_t;
using strata::Slot;

struct ShadowRun {
  Slot* slot;
  size_t slots;
  unsigned char pattern;
};

// Units of 4 KiB that a test writes of a run: a prefix of each slot, at least one unit.
inline unsigned units_of(unsigned char pattern, size_t slot) {
  return 1 + unsigned(pattern + slot) % strata::carve_units_per_slot;
}

// What is not marked as written must read zero.
inline bool unwritten_reads_zero(Address address, const Slot* run, size_t slots) {
  for (size_t i = 0; i < slots; ++i) {
    const auto* const bytes =
        reinterpret_cast<const unsigned char*>(address + i * strata::slot_size);
    for (size_t unit = 0; unit < strata::carve_units_per_slot; ++unit) {
      if ((run[i].written >> unit & 1) != 0) continue;
      const auto* const word = bytes + unit * strata::carve_unit;
      // The edges of each page: enough to find one that was missed, and cheap.
      for (size_t at : {size_t{0}, strata::carve_unit / 2, strata::carve_unit - 1}) {
        if (word[at] != 0) return false;
      }
    }
  }
  return true;
}

// Writes the pattern into a prefix of each slot, and says so in `written`, as the heap does.
inline void scribble(Address address, Slot* run, size_t from, size_t slots, unsigned char pattern) {
  for (size_t i = from; i < slots; ++i) {
    const unsigned units = units_of(pattern, i);
    auto* const bytes = reinterpret_cast<unsigned char*>(address + i * strata::slot_size);
    for (unsigned unit = 0; unit < units; ++unit) {
      auto* const page = bytes + unit * strata::carve_unit;
      page[0] = page[strata::carve_unit / 2] = page[strata::carve_unit - 1] = pattern;
    }
    run[i].written = static_cast<strata::Units>(run[i].written | strata::first_units(units));
  }
}

inline bool still_scribbled(Address address, size_t slots, unsigned char pattern) {
  for (size_t i = 0; i < slots; ++i) {
    const auto* const bytes =
        reinterpret_cast<const unsigned char*>(address + i * strata::slot_size);
    for (unsigned unit = 0; unit < units_of(pattern, i); ++unit) {
      const auto* const page = bytes + unit * strata::carve_unit;
      if (page[0] != pattern || page[strata::carve_unit / 2] != pattern ||
          page[strata::carve_unit - 1] != pattern) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace test
