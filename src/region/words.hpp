// The words of the region heap: errors, kinds of policies, what walk and statistics report.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.hpp"

namespace strata {

// Every way a call on a region can be refused. The values are the C interface's, too.
enum class RegionError : int {
  none = 0,
  out_of_memory = 1,        // no free block is long enough and nothing more can be had
  zero_size = 2,            // a request for nothing
  too_large = 3,            // over the policy's or the layout's largest request, or overflowing
  bad_alignment = 4,        // not a power of two, or over the largest one
  null_memory = 5,          // memory to manage at address 0
  misaligned_memory = 6,    // memory to manage is not aligned to a granule
  memory_too_small = 7,     // not even one block fits beside the region's own words
  memory_overlaps = 8,      // already managed, or wraps around the end of addresses
  out_of_reach = 9,         // the layout's links cannot name that memory
  foreign_pointer = 10,     // not inside the region's memory
  misaligned_pointer = 11,  // inside, but no block can start there
  not_a_block = 12,         // inside and aligned, but its header cannot be one
  double_free = 13,         // the block is free already
  header_damaged = 14,      // a block's header, or its neighbour's, was overwritten
  guard_damaged = 15,       // a guard band was overwritten
  used_after_free = 16,     // poison was overwritten
  links_damaged = 17,       // a free block's links or the index are wrong
  region_damaged = 18,      // an earlier error left the region unusable (see recover)
  not_a_region = 19,        // attach: no region of this kind stands there
};

constexpr const char* region_error_name(RegionError error) noexcept {
  switch (error) {
    case RegionError::none:
      return "none";
    case RegionError::out_of_memory:
      return "out of memory";
    case RegionError::zero_size:
      return "zero size";
    case RegionError::too_large:
      return "too large";
    case RegionError::bad_alignment:
      return "bad alignment";
    case RegionError::null_memory:
      return "null memory";
    case RegionError::misaligned_memory:
      return "misaligned memory";
    case RegionError::memory_too_small:
      return "memory too small";
    case RegionError::memory_overlaps:
      return "memory overlaps";
    case RegionError::out_of_reach:
      return "out of reach";
    case RegionError::foreign_pointer:
      return "foreign pointer";
    case RegionError::misaligned_pointer:
      return "misaligned pointer";
    case RegionError::not_a_block:
      return "not a block";
    case RegionError::double_free:
      return "double free";
    case RegionError::header_damaged:
      return "header damaged";
    case RegionError::guard_damaged:
      return "guard damaged";
    case RegionError::used_after_free:
      return "used after free";
    case RegionError::links_damaged:
      return "links damaged";
    case RegionError::region_damaged:
      return "region damaged";
    case RegionError::not_a_region:
      return "not a region";
  }
  return "unknown";
}

enum class FitKind : int { first, best, next, good, score };
enum class CoalesceKind : int { at_once, deferred, searching };
enum class FreeKind : int { immediate, batched, background };
enum class ProvisionKind : int { lazy, eager };

enum class BlockState : int { free, used, saved };

// What walk() shows of a block.
struct RegionBlock {
  const void* payload;  // what the user holds, or would
  size_t bytes;         // with header
  size_t usable;        // of payload
  BlockState state;
};

struct RegionCheck {
  RegionError error = RegionError::none;
  const void* where = nullptr;  // the block at which it was found

  explicit operator bool() const noexcept { return error == RegionError::none; }
};

// Bytes count blocks with their headers. Sums hold: managed = used + free + spans' own words.
struct RegionStatistics {
  size_t managed_bytes;  // memory given, from the first to the last byte kept
  size_t used_bytes;     // in blocks that are used, saved or set aside
  size_t free_bytes;     // in free blocks
  size_t saved_bytes;    // of used_bytes: freed by the user, not yet given back
  size_t largest_free_bytes;
  size_t free_blocks;
  size_t used_blocks;
  size_t spans;
  size_t peak_used_bytes;  // 0 under counters::None, as all below
  size_t footprint_bytes;  // from the first span's start to the highest byte ever in a block
  size_t allocations;
  size_t frees;
  size_t failures;
  size_t looked_at;  // free blocks looked at by all searches
  size_t longest_search;
};

}  // namespace strata
