// Lanes: a zone's free frames in several pools, each with a lock of its own, so that CPUs that ask at
// the same time do not meet.
//
//     address   0     1 GiB   2 GiB   3 GiB   4 GiB   5 GiB ...
//     lane      |   0   |   1   |   2   |   3   |   0   | ...
//
// A frame's lane follows from its address, so it comes back to where it was taken from, and lanes need
// no memory but their pools'. A CPU begins at a lane of its own and goes on to the others when it has
// nothing: its second lane is one that the next CPU goes to last. Less than a GiB of memory is one
// lane or two. Free spans end at a stripe's end: a longer run is found by the scan over the bitmaps.
//
// Code for size has one lane and no stripes.
#pragma once

#include "base/attributes.hpp"
#include "base/frame.hpp"
#include "base/units.hpp"

namespace strata {

constexpr unsigned frame_lanes = built_small ? 1 : 4;
constexpr size_t stripe_blocks = 1 * GiB / (frame_size * frames_per_block);
// Spans of blocks are shorter than 2 to this. 24 is 32 TiB.
constexpr unsigned lane_span_log2 = frame_lanes == 1 ? 24 : 11;
static_assert(frame_lanes == 1 || stripe_blocks < size_t{1} << (lane_span_log2 - 1));

constexpr unsigned lane_of(Frame frame) noexcept {
  return unsigned(frame.number / (stripe_blocks * frames_per_block)) % frame_lanes;
}
constexpr bool in_one_lane(Frame first, size_t count) noexcept {
  constexpr std::uint64_t stripe = stripe_blocks * frames_per_block;
  return frame_lanes == 1 || first.number / stripe == (first.number + count - 1) / stripe;
}
// Whether a stripe begins at this block.
constexpr bool begins_stripe(std::uint64_t block) noexcept {
  return frame_lanes > 1 && block % stripe_blocks == 0;
}
// The lane that a CPU asks as its n-th.
constexpr unsigned lane_for(unsigned cpu, unsigned n) noexcept {
  const unsigned half_first = n / 2 + n % 2 * 2;  // 0, 2, 1, 3
  return (cpu ^ half_first) % frame_lanes;
}

}  // namespace strata
