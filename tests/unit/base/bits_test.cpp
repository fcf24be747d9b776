// Arithmetic on powers of two against the definitions, for every small number and around the
// powers.
#include "base/bits.hpp"

#include <gtest/gtest.h>

namespace {

using namespace strata;

TEST(Bits, align_up_and_down_are_the_nearest_multiples) {
  for (size_t alignment = 1; alignment <= 256; alignment *= 2) {
    for (size_t n = 0; n < 1024; ++n) {
      const size_t up = align_up(n, alignment);
      const size_t down = align_down(n, alignment);
      ASSERT_EQ(up % alignment, 0U);
      ASSERT_EQ(down % alignment, 0U);
      ASSERT_TRUE(up >= n && up - n < alignment) << n << " to " << alignment;
      ASSERT_TRUE(down <= n && n - down < alignment) << n << " to " << alignment;
    }
  }
}

TEST(Bits, powers_of_two_have_one_bit) {
  EXPECT_FALSE(is_power_of_two(0));
  for (size_t n = 1; n < 4096; ++n) {
    ASSERT_EQ(is_power_of_two(n), __builtin_popcountl(n) == 1) << n;
  }
  EXPECT_TRUE(is_power_of_two(size_t{1} << 63));
}

TEST(Bits, logarithm_is_exact_around_every_power) {
  for (unsigned power = 1; power < 64; ++power) {
    const std::uint64_t n = std::uint64_t{1} << power;
    EXPECT_EQ(log2_floor(n), power);
    EXPECT_EQ(log2_floor(n - 1), power - 1);
    EXPECT_EQ(log2_floor(n + 1), power) << power;
    EXPECT_EQ(lowest_bit(n), power);
    EXPECT_EQ(lowest_bit(n | std::uint64_t{1} << 63), power);
  }
  EXPECT_EQ(log2_floor(~std::uint64_t{0}), 63U);
}

TEST(Bits, ones_are_counted) {
  EXPECT_EQ(count_ones(0), 0U);
  EXPECT_EQ(count_ones(~std::uint64_t{0}), 64U);
  std::uint64_t n = 1;
  for (int i = 0; i < 10000; ++i) {
    n = n * 6364136223846793005 + 1442695040888963407;
    ASSERT_EQ(count_ones(n), unsigned(__builtin_popcountl(n))) << n;
  }
}

TEST(Bits, divide_up_covers) {
  for (size_t n = 0; n < 300; ++n) {
    for (size_t by = 1; by < 40; ++by) {
      const size_t parts = divide_up(n, by);
      ASSERT_TRUE(parts * by >= n && parts * by < n + by) << n << " by " << by;
    }
  }
}

}  // namespace
