// ThreadCounts: how many large and huge blocks a thread has ever been given, by size. Written by
// the thread alone, read by statistics. (Small blocks pass through the hot path, which counts the
// live ones and no others.)
#pragma once

#include "base/bits.hpp"
#include "heap/size_classes.hpp"

namespace strata {

// Counted by doubling: up to 64 KiB, 128 KiB, ... 512 MiB, and all that is more.
constexpr unsigned large_count_steps = 15;

struct ThreadCounts {
  std::uint64_t large[large_count_steps] = {};

  void add_large(size_t size) noexcept {
    const unsigned doubling = size <= largest_small ? 0 : log2_floor((size - 1) / largest_small);
    ++large[doubling < large_count_steps ? doubling : large_count_steps - 1];
  }
  void add(const ThreadCounts& other) noexcept {
    for (unsigned i = 0; i < large_count_steps; ++i) large[i] += other.large[i];
  }
};

}  // namespace strata
