// The bound of good fit, counted: instructions of allocate and free do not grow with the number of
// blocks. Each call is stepped through instruction by instruction, so the counts are exact.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "lab/instructions.hpp"
#include "strata/region.hpp"

namespace strata::testing {
namespace {

// The bound is of the code users run: sanitizers and builds without optimisation add their own.
#if defined(STRATA_INSTRUMENTED) || !defined(__OPTIMIZE__)
constexpr bool counts_mean_something = false;
#else
constexpr bool counts_mean_something = true;
#endif

// The worst of some hundred calls in a region that holds `blocks` blocks and as many holes.
template <class Policy>
std::vector<std::uint64_t> worst_counts(std::size_t blocks) {
  const auto counts = lab::count_instructions(
      [blocks] {
        const std::size_t bytes = blocks * 640 + (1 << 20);
        std::unique_ptr<char[]> memory(new char[bytes + 16]);
        char* start =
            memory.get() + (16 - reinterpret_cast<std::uintptr_t>(memory.get()) % 16) % 16;
        auto region = std::make_unique<Region<Policy>>(start, bytes);
        std::vector<void*> held(blocks);
        unsigned seed = 1;
        const auto random = [&seed] { return (seed = seed * 1103515245U + 12345U) >> 8; };
        for (void*& p : held) p = region->allocate(1 + random() % 500);
        for (std::size_t i = 0; i < blocks; i += 2) region->free(std::exchange(held[i], nullptr));
        for (int i = 0; i < 300; ++i) {
          void*& p = held[random() % blocks];
          if (p != nullptr) {
            lab::mark();
            region->free(p);
            lab::mark();
            p = nullptr;
          } else {
            const std::size_t size = 1 + random() % 500;
            lab::mark();
            p = region->allocate(size);
            lab::mark();
          }
        }
        // A refusal, and one that looks through a crowded bin first.
        lab::mark();
        (void)region->allocate(bytes);
        lab::mark();
      },
      1U << 20);
  return counts;
}

template <class Policy>
void expect_bound() {
  if (!counts_mean_something) GTEST_SKIP() << "an instrumented build has instructions of its own";
  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t most = 0;
  for (const std::size_t blocks : {100U, 10000U, 1000000U}) {
    const auto counts = worst_counts<Policy>(blocks);
    if (counts.empty()) GTEST_SKIP() << "instructions cannot be counted here (no trap flag)";
    ASSERT_EQ(counts.size(), 301U);
    const std::uint64_t worst = *std::max_element(counts.begin(), counts.end());
    least = std::min(least, worst);
    most = std::max(most, worst);
    std::printf("%8zu blocks: at most %llu instructions\n", blocks,
                static_cast<unsigned long long>(worst));
  }
  EXPECT_LE(most, 400U);
  // The worst that a random sample meets varies a little; growth with the blocks would show at
  // once.
  EXPECT_LE(most, least + 120);
}

TEST(RegionBound, good_fit_does_not_grow_from_100_to_a_million_blocks) {
  expect_bound<DefaultPolicy>();
}
TEST(RegionBound, real_time_does_not_grow_from_100_to_a_million_blocks) {
  expect_bound<profiles::RealTime>();
}

}  // namespace
}  // namespace strata::testing
