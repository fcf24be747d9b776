// How likely a block is sampled, and so how many blocks of its kind a sample stands for.
#pragma once

#include "base/units.hpp"

namespace strata::observe {

// 1 - exp(-x) for x >= 0, without libm: by its series near 0, and doubling from there. Off by less
// than 1e-14 of itself.
constexpr double one_minus_exp(double x) noexcept {
  if (x > 40) return 1;
  unsigned doublings = 0;
  for (; x > 0.015625; ++doublings) x /= 2;
  double q = x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6)))));
  for (; doublings != 0; --doublings) q *= 2 - q;
  return q;
}

// The chance of bytes that are sampled once in `mean`, by a client that sees one of them in
// `client_mean` (heap/sample.hpp). A sample stands for 1 / chance blocks like it.
constexpr double chance_of(size_t bytes, size_t mean, size_t client_mean) noexcept {
  return one_minus_exp(double(bytes) / double(mean)) * (double(mean) / double(client_mean));
}

}  // namespace strata::observe
