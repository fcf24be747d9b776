// Arena against a model, and its checks.
#include "ranges/arena.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <vector>

namespace strata {
namespace {

// Tags from malloc; can be told to refuse.
struct HostedMemory {
  static constexpr size_t page_bytes = 4096;
  long left = -1;  // pages before it refuses; -1: never
  size_t taken = 0;

  void* take() { return take_array(page_bytes); }
  void give(void* page) { give_array(page, page_bytes); }
  void* take_array(size_t bytes) {
    if (left == 0) return nullptr;
    if (left > 0) --left;
    taken += bytes;
    return std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  }
  void give_array(void* array, size_t bytes) {
    taken -= bytes;
    std::free(array);
  }
};

using TestArena = Arena<HostedMemory>;
constexpr Address base = 0x100000000;

struct arena : testing::Test {
  HostedMemory memory;
  TestArena ranges{memory};
  void TearDown() override {
    ranges.release();
    EXPECT_EQ(memory.taken, 0u);
  }
};

TEST_F(arena, wrong_frees_say_what_is_wrong) {
  ASSERT_TRUE(ranges.add_window(base, 1 * MiB));
  const Address a = ranges.allocate({.bytes = 16 * KiB});
  EXPECT_EQ(ranges.free(a, 8 * KiB), Problem::range_wrong_size);
  EXPECT_EQ(ranges.free(a + 4 * KiB, 12 * KiB), Problem::range_interior);
  EXPECT_EQ(ranges.free(base + 2 * MiB, 4 * KiB), Problem::range_not_ours);
  EXPECT_EQ(ranges.free(a, 16 * KiB), Problem::none);
  EXPECT_EQ(ranges.free(a, 16 * KiB), Problem::range_freed_twice);
  EXPECT_TRUE(ranges.check());
}

TEST_F(arena, alignment_and_guards_are_kept) {
  ASSERT_TRUE(ranges.add_window(base + 4096, 64 * MiB));
  for (size_t alignment = 4 * KiB; alignment <= 2 * MiB; alignment *= 2) {
    const Address a = ranges.allocate({.bytes = 12 * KiB,
                                       .alignment = alignment,
                                       .guard_before = 4 * KiB,
                                       .guard_after = 8 * KiB});
    ASSERT_NE(a, 0u);
    EXPECT_EQ(a % alignment, 0u);
    EXPECT_FALSE(ranges.allocate_at(a - 4 * KiB, 4 * KiB));
    EXPECT_FALSE(ranges.allocate_at(a + 12 * KiB, 8 * KiB));
    EXPECT_EQ(ranges.free(a, 12 * KiB), Problem::none);
  }
  EXPECT_EQ(ranges.statistics().segments, 1u);
}

TEST_F(arena, of_ranges_of_one_length_the_lowest_is_reused_first) {
  ASSERT_TRUE(ranges.add_window(base, 1 * MiB));
  Address held[6];
  for (Address& at : held) at = ranges.allocate({.bytes = 16 * KiB});
  for (const size_t i : {0, 4, 2}) ranges.free(held[i], 16 * KiB);
  for (const size_t i : {0, 2, 4}) EXPECT_EQ(ranges.allocate({.bytes = 16 * KiB}), held[i]);
  EXPECT_TRUE(ranges.check());
}

TEST_F(arena, limits_are_kept) {
  ASSERT_TRUE(ranges.add_window(base, 64 * MiB));
  const Address a = ranges.allocate(
      {.bytes = 64 * KiB, .alignment = 64 * KiB, .min = base + 5 * MiB + 1, .max = base + 6 * MiB});
  EXPECT_GE(a, base + 5 * MiB + 1);
  EXPECT_LE(a + 64 * KiB, base + 6 * MiB);
  EXPECT_EQ(ranges.allocate({.bytes = 2 * MiB, .min = base + 5 * MiB, .max = base + 6 * MiB}), 0u);
}

TEST_F(arena, extends_and_trims_in_place) {
  ASSERT_TRUE(ranges.add_window(base, 1 * MiB));
  ASSERT_TRUE(ranges.allocate_at(base, 64 * KiB));
  ASSERT_TRUE(ranges.extend(base, 64 * KiB, 128 * KiB));
  ASSERT_TRUE(ranges.allocate_at(base + 128 * KiB, 4 * KiB));
  EXPECT_FALSE(ranges.extend(base, 128 * KiB, 132 * KiB));
  ASSERT_TRUE(ranges.trim(base, 128 * KiB, 4 * KiB, false));
  EXPECT_EQ(ranges.free(base, 4 * KiB), Problem::none);
  EXPECT_EQ(ranges.free(base + 128 * KiB, 4 * KiB), Problem::none);
  EXPECT_EQ(ranges.statistics().segments, 1u);
  EXPECT_TRUE(ranges.check());
}

TEST_F(arena, dirty_ranges_wait_for_settle) {
  ASSERT_TRUE(ranges.add_window(base, 64 * KiB));
  const Address a = ranges.allocate({.bytes = 64 * KiB});
  ASSERT_EQ(ranges.retire(a, 64 * KiB), Problem::none);
  EXPECT_EQ(ranges.allocate({.bytes = 4 * KiB}), 0u);
  ranges.settle();
  EXPECT_EQ(ranges.allocate({.bytes = 64 * KiB}), a);
}

TEST_F(arena, quarantine_delays_reuse_and_is_bounded) {
  ASSERT_TRUE(ranges.add_window(base, 16 * MiB));
  ranges.set_quarantine(1 * MiB);
  const Address first = ranges.allocate({.bytes = 64 * KiB});
  ASSERT_EQ(ranges.free(first, 64 * KiB), Problem::none);
  for (int i = 0; i < 15; ++i) {
    const Address a = ranges.allocate({.bytes = 64 * KiB});
    EXPECT_NE(a, first);
    ASSERT_EQ(ranges.free(a, 64 * KiB), Problem::none);
  }
  EXPECT_LE(ranges.statistics().quarantined_bytes, 1 * MiB);
  EXPECT_EQ(ranges.free(first, 64 * KiB), Problem::range_freed_twice);
  ranges.set_quarantine(0);
  EXPECT_EQ(ranges.statistics().segments, 1u);
}

TEST_F(arena, windows_do_not_join_over_a_gap) {
  ASSERT_TRUE(ranges.add_window(base, 64 * KiB));
  ASSERT_TRUE(ranges.add_window(base + 128 * KiB, 64 * KiB));
  EXPECT_FALSE(ranges.add_window(base + 32 * KiB, 64 * KiB));
  EXPECT_EQ(ranges.allocate({.bytes = 68 * KiB}), 0u);
  EXPECT_NE(ranges.allocate({.bytes = 64 * KiB}), 0u);
  EXPECT_NE(ranges.allocate({.bytes = 64 * KiB}), 0u);
}

TEST_F(arena, refused_tags_refuse_the_request_and_change_nothing) {
  ASSERT_TRUE(ranges.add_window(base, 16 * MiB));
  memory.left = 0;
  size_t count = 0;
  while (ranges.allocate({.bytes = 4 * KiB}) != 0) ++count;
  EXPECT_GT(count, 20u);
  EXPECT_TRUE(ranges.check());
  memory.left = -1;
  EXPECT_NE(ranges.allocate({.bytes = 4 * KiB}), 0u);
}

TEST_F(arena, a_million_lives_fit_a_window_of_twice_the_live_size) {
  constexpr size_t live = 512, most = 64 * KiB;
  ASSERT_TRUE(ranges.add_window(base, 2 * live * most));
  std::mt19937_64 random(3);
  std::vector<std::pair<Address, size_t>> all(live);
  for (int i = 0; i < 1000000; ++i) {
    auto& [address, bytes] = all[random() % live];
    if (address != 0) ASSERT_EQ(ranges.free(address, bytes), Problem::none);
    bytes = 4 * KiB * (1 + random() % 16);
    address = ranges.allocate({.bytes = bytes});
    ASSERT_NE(address, 0u) << "after " << i;
  }
  EXPECT_TRUE(ranges.check());
}

TEST_F(arena, agrees_with_a_model) {
  ASSERT_TRUE(ranges.add_window(base, 4 * MiB));
  ASSERT_TRUE(ranges.add_window(base + 8 * MiB, 2 * MiB));
  std::mt19937_64 random(11);
  std::map<Address, size_t> model;  // live ranges
  const auto is_free = [&](Address a, size_t bytes) {
    auto after = model.lower_bound(a);
    if (after != model.end() && after->first < a + bytes) return false;
    if (after == model.begin()) return true;
    --after;
    return after->first + after->second <= a;
  };
  for (int i = 0; i < 200000; ++i) {
    const size_t bytes = 4 * KiB * (1 + random() % 60);
    switch (random() % 6) {
      case 0:
      case 1: {
        const size_t alignment = 4 * KiB << random() % 6;
        const Address a =
            ranges.allocate({.bytes = bytes, .alignment = alignment, .thorough = true});
        if (a == 0) break;
        ASSERT_EQ(a % alignment, 0u);
        ASSERT_TRUE(is_free(a, bytes));
        model[a] = bytes;
        break;
      }
      case 2: {
        const Address a = base + random() % (4 * MiB / 4096) * 4096;
        const bool inside = a + bytes <= base + 4 * MiB;
        ASSERT_EQ(ranges.allocate_at(a, bytes), inside && is_free(a, bytes));
        if (inside && is_free(a, bytes)) model[a] = bytes;
        break;
      }
      default: {
        if (model.empty()) break;
        auto it = std::next(model.begin(), long(random() % model.size()));
        if (random() % 4 == 0) {
          const size_t more = it->second + 4 * KiB * (random() % 8);
          const bool room =
              more == it->second || is_free(it->first + it->second, more - it->second);
          const bool inside = it->first < base + 4 * MiB ? it->first + more <= base + 4 * MiB
                                                         : it->first + more <= base + 10 * MiB;
          ASSERT_EQ(ranges.extend(it->first, it->second, more), room && inside);
          if (room && inside) it->second = more;
        } else if (random() % 4 == 0 && it->second > 4 * KiB) {
          const size_t less = it->second - 4 * KiB;
          ASSERT_TRUE(ranges.trim(it->first, it->second, less, false));
          it->second = less;
        } else {
          ASSERT_EQ(ranges.free(it->first, it->second), Problem::none);
          model.erase(it);
        }
      }
    }
    if (i % 20000 == 0) ASSERT_TRUE(ranges.check());
  }
}

}  // namespace
}  // namespace strata
