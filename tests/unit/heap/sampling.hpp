// What the tests of the sampling point share: a client whose calls a test sets, and its chances.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <functional>
#include <random>

#include "heap/heap.hpp"
#include "heap/sample.hpp"

namespace strata::sampling_test {

using heap::sample::Allocation;
using heap::sample::Which;

// |z| below this fails once in 150,000 fair comparisons, and the seeds are fixed.
constexpr double most_sigma = 4.5;

// What the client does; nothing while empty.
inline std::function<void(Allocation&)> on_allocation;
inline std::function<bool(void*)> on_free;
inline std::function<size_t(const void*)> on_usable;

inline const heap::sample::Client client = {
    [](Allocation& allocation) noexcept {
      if (on_allocation) on_allocation(allocation);
    },
    [](void* pointer) noexcept { return on_free && on_free(pointer); },
    [](const void* pointer) noexcept { return on_usable ? on_usable(pointer) : size_t{0}; },
};

class Sampling : public testing::Test {
 protected:
  void SetUp() override {
    heap::sample::set_client(Which::profile, &client);
    heap::sample::set_client(Which::guards, nullptr);
  }
  void TearDown() override {
    heap::sample::set_mean(Which::profile, 0);
    heap::sample::set_mean(Which::guards, 0);
    on_allocation = nullptr;
    on_free = nullptr;
    on_usable = nullptr;
  }
};

// That a block of `size` bytes is sampled.
inline double chance(size_t size, size_t mean) {
  return 1 - std::exp(-double(size) / double(mean));
}

// Mostly small, as programs ask.
inline size_t skewed_size(std::mt19937_64& random) {
  const auto dice = random() % 1000;
  if (dice < 900) return 1 + random() % 64;
  if (dice < 985) return 64 + random() % 1000;
  return 5000 + random() % 28000;
}

}  // namespace strata::sampling_test
