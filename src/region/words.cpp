// Names of the region's errors, for messages and reports.
#include "region/words.hpp"

namespace strata {

const char* region_error_name(RegionError error) noexcept {
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

}  // namespace strata
