// The search for a run of free frames in a region by its bitmaps: what serves limits, and what is
// tried before a request is refused. O(blocks).
#pragma once

#include "frames/request.hpp"

namespace strata {

// First frame of [at, end) that is (in_pool) or is not in the pool, or `end`.
inline std::uint64_t find_frame(const FrameRegion& region, std::uint64_t at, std::uint64_t end,
                                bool in_pool) noexcept {
  while (at < end) {
    const FrameBlock& block = region.block_of({at});
    const std::uint64_t base = align_down(at, frames_per_block);
    if (block.pool_frames != (in_pool ? 0 : frames_per_block)) {
      const size_t found = block.find(size_t(at - base), in_pool);
      if (found != frames_per_block) return base + found < end ? base + found : end;
    }
    at = base + frames_per_block;
  }
  return end;
}

// First run in the region that meets every wish, or no frame.
inline Frame find_run(const FrameRegion& region, size_t count, size_t alignment,
                      const FrameLimits& limits) noexcept {
  std::uint64_t at =
      limits.min.number > region.first.number ? limits.min.number : region.first.number;
  const std::uint64_t end =
      limits.max.number < region.metadata.number ? limits.max.number : region.metadata.number;
  const std::uint64_t boundary = limits.boundary != 0 ? limits.boundary : std::uint64_t{1} << 63;
  if (count > boundary) return {};
  while (at < end) {
    at = align_up(find_frame(region, at, end, true), alignment);
    if ((at ^ (at + count - 1)) >= boundary) {
      at = align_up(at, boundary);
      continue;
    }
    if (at >= end || end - at < count) return {};
    const std::uint64_t gap = find_frame(region, at, at + count, false);
    if (gap == at + count) return {at};
    at = gap + 1;
  }
  return {};
}

}  // namespace strata
