// What callers of Frames ask for and are told.
#pragma once

#include "frames/region.hpp"

namespace strata {

struct FrameLimits {
  Frame min{0};                // first frame allowed
  Frame max{};                 // first frame not allowed
  std::uint64_t boundary = 0;  // in frames, a power of two the run must not cross; 0: none

  [[nodiscard]] bool any() const noexcept { return min.number != 0 || max || boundary != 0; }
};

struct FrameRequest {
  size_t count = 1;
  size_t alignment = 1;             // in frames, a power of two
  FrameZone zone = FrameZone::any;  // the highest zone that will do
  FrameLimits limits{};             // set any of them and the search is O(blocks)
  bool may_use_reserve = false;
};

struct FrameStatistics {
  size_t managed = 0;      // frames that can be handed out
  size_t pool = 0;         // free, in the zones' pools
  size_t magazines = 0;    // free, in magazines; exact while no CPU is getting or putting
  size_t metadata = 0;     // frames we use ourselves
  size_t free_blocks = 0;  // whole 2 MiB blocks free
  size_t longest_blocks = 0;
  size_t regions = 0;
  std::uint64_t lost_bytes = 0;  // spans too small to carry their own metadata

  [[nodiscard]] size_t out() const noexcept { return managed - pool - magazines; }
};

}  // namespace strata
