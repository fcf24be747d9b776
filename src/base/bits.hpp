// Arithmetic on powers of two, without branches and without libc.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/attributes.hpp"

namespace strata {

constexpr bool is_power_of_two(std::size_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

// `alignment` is a power of two. align_up wraps to a small number when n is within
// `alignment` of the top of the number range; callers that take sizes from users test that first.
constexpr std::size_t align_up(std::size_t n, std::size_t alignment) noexcept {
  return (n + alignment - 1) & ~(alignment - 1);
}
constexpr std::size_t align_down(std::size_t n, std::size_t alignment) noexcept {
  return n & ~(alignment - 1);
}
constexpr std::size_t divide_up(std::size_t n, std::size_t by) noexcept {
  return (n + by - 1) / by;
}

// Floor of the binary logarithm; n is not 0.
constexpr unsigned log2_floor(std::uint64_t n) noexcept {
  return 63U - unsigned(__builtin_clzll(n));
}

// Index of the lowest set bit; n is not 0.
constexpr unsigned lowest_bit(std::uint64_t n) noexcept { return unsigned(std::countr_zero(n)); }

// Set bits of n. Not std::popcount: where it is no instruction it is a call into the compiler's
// library, which on aarch64 uses registers that a kernel does without.
constexpr unsigned count_ones(std::uint64_t n) noexcept {
  if constexpr (built_small) {
    unsigned ones = 0;
    for (; n != 0; n &= n - 1) ++ones;
    return ones;
  }
  n -= n >> 1 & 0x5555555555555555;
  n = (n & 0x3333333333333333) + (n >> 2 & 0x3333333333333333);
  n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return unsigned(n * 0x0101010101010101 >> 56);
}

}  // namespace strata
