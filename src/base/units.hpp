// Units and small strong types shared by every storey.
//
// Bytes are plain std::size_t; addresses are Address; a run of 64 KiB slots is counted in Slots.
// The 64 KiB slot is the heap's unit of address space, whatever the page size of the system is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata {

using std::size_t;
using Address = std::uintptr_t;

constexpr size_t KiB = size_t{1} << 10;
constexpr size_t MiB = size_t{1} << 20;
constexpr size_t GiB = size_t{1} << 30;
constexpr size_t TiB = size_t{1} << 40;

// Every block is aligned to a granule; sizes inside slabs are counted in granules.
constexpr unsigned granule_shift = 4;
constexpr size_t granule_size = size_t{1} << granule_shift;

constexpr unsigned slot_shift = 16;
constexpr size_t slot_size = size_t{1} << slot_shift;
constexpr size_t granules_per_slot = slot_size >> granule_shift;

constexpr size_t cache_line = 64;

}  // namespace strata
