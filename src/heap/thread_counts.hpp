// ThreadCounts: what a thread has done outside the hot paths: how many large and huge blocks it was
// given, by size, and what it gave back to the system. Written by the thread alone, read by
// statistics. (Small blocks pass through the hot path, which counts the live ones and no others.)
#pragma once

#include "base/bits.hpp"
#include "heap/size_classes.hpp"

namespace strata {

// Counted by doubling: up to 64 KiB, 128 KiB, ... 512 MiB, and all that is more.
constexpr unsigned large_count_steps = 15;

struct ThreadCounts {
  std::uint64_t large[large_count_steps] = {};
  std::uint64_t thinned = 0;  // bytes of pages inside partly used slabs

  void add_large(size_t size) noexcept {
    const unsigned doubling = size <= largest_small ? 0 : log2_floor((size - 1) / largest_small);
    ++large[doubling < large_count_steps ? doubling : large_count_steps - 1];
  }
  void add(const ThreadCounts& other) noexcept {
    for (unsigned i = 0; i < large_count_steps; ++i) large[i] += other.large[i];
    thinned += other.thinned;
  }
};

}  // namespace strata
