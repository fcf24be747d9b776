// Problem: what is found wrong in a call, for machines that are told in numbers.
#pragma once

#include <cstdint>

namespace strata {

enum class Problem : std::uint8_t {
  none,
  frame_freed_twice,
  frame_not_ours,
  range_freed_twice,
  range_not_ours,
  range_wrong_size,
  range_interior,
  block_freed_twice,
  block_not_ours,
  block_invalid,
};

constexpr const char* problem_text(Problem problem) noexcept {
  switch (problem) {
    case Problem::none:
      return "none";
    case Problem::frame_freed_twice:
      return "double free of a frame";
    case Problem::frame_not_ours:
      return "free of a frame that is not managed";
    case Problem::range_freed_twice:
      return "double free of a range";
    case Problem::range_not_ours:
      return "free of an address outside every range";
    case Problem::range_wrong_size:
      return "free of a range with another size than it has";
    case Problem::block_freed_twice:
      return "double free of a block";
    case Problem::block_not_ours:
      return "free of what is no block";
    case Problem::block_invalid:
      return "use of a pointer that is no live block";
    case Problem::range_interior:
      return "free of an address inside a range";
  }
  return "unknown";
}

}  // namespace strata
