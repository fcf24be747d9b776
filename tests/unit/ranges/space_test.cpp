// Space on the simulated machine: frames, ranges and page tables together.
#include "ranges/space.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <random>
#include <thread>
#include <vector>

#include "platform/sim/sim_machine.hpp"
#include "ranges/space_source.hpp"
#include "strata/region.hpp"

namespace strata {
namespace {

class space : public testing::Test {
 protected:
  void open(size_t ram, size_t window) {
    SimMachine::open(ram, window);
    map.add(0, ram);
    map.finish();
    frames = Frames<SimMachine>::start(map, ~0ull);
    ranges = Space<SimMachine>::start(*frames, SimMachine::window(), SimMachine::window_bytes());
    ASSERT_NE(ranges, nullptr);
  }
  // Frames out that are neither tags nor mapped.
  size_t lost() {
    ranges->settle();
    frames->drain();
    return frames->statistics().out() - ranges->statistics().tag_frames -
           ranges->statistics().mapped_pages;
  }
  void TearDown() override {
    EXPECT_EQ(SimMachine::stale_uses(), 0) << "a frame was used before its flush";
    SimMachine::close();
  }
  MemoryMap<16> map;
  Frames<SimMachine>* frames;
  Space<SimMachine>* ranges;
};

TEST_F(space, a_map_call_that_fails_is_undone_for_every_call) {
  open(64 * MiB, 256 * MiB);
  const size_t lost_before = lost();
  constexpr size_t bytes = 4 * MiB + 300 * KiB;
  for (long nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000);
    const SpaceStatistics before = ranges->statistics();
    const size_t mapped = SimMachine::mapped_pages();
    SimMachine::fail_map_at(nth);
    const Address a = ranges->allocate({.bytes = bytes});
    SimMachine::fail_map_at(0);
    if (a != 0) {
      EXPECT_GT(nth, 5);
      break;
    }
    ASSERT_EQ(ranges->statistics().ranges.used_ranges, before.ranges.used_ranges);
    ASSERT_EQ(ranges->statistics().ranges.free_bytes, before.ranges.free_bytes);
    ASSERT_EQ(SimMachine::mapped_pages(), mapped);
    ASSERT_EQ(lost(), lost_before);
    ASSERT_TRUE(ranges->check() && frames->check());
  }
}

TEST_F(space, contents_stay_while_neighbours_come_and_go) {
  open(64 * MiB, 128 * MiB);
  std::mt19937_64 random(5);
  struct Range {
    Address base;
    size_t bytes;
    std::uint64_t mark;
  };
  std::vector<Range> live;
  const auto fill = [](const Range& r) {
    for (size_t at = 0; at < r.bytes; at += frame_size) {
      *reinterpret_cast<std::uint64_t*>(r.base + at) = r.mark + at;
    }
  };
  const auto good = [](const Range& r, size_t bytes) {
    for (size_t at = 0; at < bytes; at += frame_size) {
      if (*reinterpret_cast<std::uint64_t*>(r.base + at) != r.mark + at) return false;
    }
    return true;
  };
  for (int i = 0; i < 8000; ++i) {
    if (live.size() < 20 || random() % 2 != 0) {
      const size_t bytes = frame_size * (1 + random() % (random() % 40 == 0 ? 1500 : 30));
      Range r{ranges->allocate({.bytes = bytes, .guard_before = random() % 2 * frame_size}), bytes,
              random()};
      if (r.base == 0) {
        while (live.size() > 10) {
          ASSERT_TRUE(ranges->free(live.back().base, live.back().bytes));
          live.pop_back();
        }
        continue;
      }
      fill(r);
      live.push_back(r);
    } else {
      const size_t k = random() % live.size();
      Range& r = live[k];
      if (random() % 4 == 0 && ranges->extend(r.base, r.bytes, r.bytes + 3 * frame_size)) {
        ASSERT_TRUE(good(r, r.bytes));
        r.bytes += 3 * frame_size;
        fill(r);
      } else if (random() % 4 == 0 && r.bytes > frame_size) {
        const size_t less = frame_size * (1 + random() % (r.bytes / frame_size));
        ASSERT_TRUE(ranges->trim(r.base, r.bytes, less));
        r.bytes = less;
        ASSERT_TRUE(good(r, r.bytes));
      } else {
        ASSERT_TRUE(good(r, r.bytes));
        ASSERT_TRUE(ranges->free(r.base, r.bytes));
        live[k] = live.back();
        live.pop_back();
      }
    }
    if (i % 1000 == 0) ASSERT_TRUE(ranges->check() && frames->check());
  }
}

TEST_F(space, what_was_trimmed_off_can_be_had_again) {
  open(64 * MiB, 64 * MiB);
  const Address a = ranges->allocate({.bytes = 1 * MiB});
  ASSERT_TRUE(ranges->trim(a, 1 * MiB, 64 * KiB));
  EXPECT_TRUE(ranges->extend(a, 64 * KiB, 512 * KiB));
  std::memset(reinterpret_cast<void*>(a), 1, 512 * KiB);
  EXPECT_TRUE(ranges->free(a, 512 * KiB));
}

TEST_F(space, flushes_are_batched) {
  open(64 * MiB, 256 * MiB);
  for (int i = 0; i < 1000; ++i) {
    const Address a = ranges->allocate({.bytes = 16 * KiB});
    ASSERT_NE(a, 0u);
    ASSERT_TRUE(ranges->free(a, 16 * KiB));
  }
  EXPECT_LT(SimMachine::flush_calls(), 20);
}

TEST_F(space, committing_again_before_the_flush_flushes_first) {
  open(64 * MiB, 64 * MiB);
  const Address a = ranges->allocate({.bytes = 64 * KiB});
  ASSERT_TRUE(ranges->decommit(a, 64 * KiB));
  ASSERT_TRUE(ranges->commit(a, 64 * KiB));  // TearDown sees a stale use, if any
  EXPECT_TRUE(ranges->free(a, 64 * KiB));
}

TEST_F(space, blocks_of_2_mib_are_mapped_as_one) {
  open(64 * MiB, 64 * MiB);
  const Address a = ranges->allocate({.bytes = 16 * MiB, .alignment = 2 * MiB});
  ASSERT_NE(a, 0u);
  EXPECT_EQ(ranges->statistics().large_maps, 8u);
  EXPECT_TRUE(ranges->free(a, 16 * MiB));
}

TEST_F(space, out_of_frames_is_refused_and_recovers) {
  open(16 * MiB, 256 * MiB);
  const size_t lost_before = lost();
  for (int round = 0; round < 3; ++round) {
    std::vector<Address> all;
    for (;;) {
      const Address a = ranges->allocate({.bytes = 256 * KiB});
      if (a == 0) break;
      all.push_back(a);
    }
    EXPECT_GT(all.size(), 50u);
    for (const Address a : all) ASSERT_TRUE(ranges->free(a, 256 * KiB));
    EXPECT_EQ(lost(), lost_before);
  }
}

TEST_F(space, threads_share_it) {
  open(128 * MiB, 256 * MiB);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 500; ++i) {
        const size_t bytes = frame_size * (1 + random() % 16);
        const Address a = ranges->allocate({.bytes = bytes});
        if (a == 0) continue;
        std::memset(reinterpret_cast<void*>(a), int(t), bytes);
        EXPECT_EQ(*reinterpret_cast<char*>(a + bytes - 1), char(t));
        EXPECT_TRUE(ranges->free(a, bytes));
      }
      frames->drain();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(ranges->check() && frames->check());
}

TEST_F(space, stopping_gives_every_frame_back) {
  open(64 * MiB, 64 * MiB);
  frames->drain();
  const size_t before = frames->statistics().out();
  auto* second = Space<SimMachine>::start(*frames, SimMachine::window() + 32 * MiB, 32 * MiB);
  std::vector<Address> all;
  for (int i = 0; i < 3000; ++i) all.push_back(second->reserve({.bytes = 8 * KiB}));
  for (const Address a : all) ASSERT_TRUE(second->free(a, 8 * KiB));
  second->stop();
  frames->drain();
  EXPECT_EQ(frames->statistics().out(), before);
}

struct GrowsBySpace : DefaultPolicy {
  using Source = SpaceSource<Space<SimMachine>>;
  using Lock = SpinLock;
};

TEST_F(space, a_region_grows_by_ranges_and_gives_them_back) {
  open(64 * MiB, 256 * MiB);
  const size_t lost_before = lost();
  const size_t used_before = ranges->statistics().ranges.used_ranges;
  Region<GrowsBySpace> region;
  EXPECT_EQ(region.allocate(100), nullptr) << "no space was named yet";
  region.source().space = ranges;
  std::mt19937_64 random(3);
  std::vector<std::pair<char*, size_t>> blocks;
  for (int i = 0; i < 3000; ++i) {
    if (!blocks.empty() && random() % 3 == 0) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      const auto [block, size] = blocks.back();
      for (size_t at = 0; at < size; at += 500) ASSERT_EQ(block[at], char(size));
      ASSERT_EQ(region.free(block), RegionError::none);
      blocks.pop_back();
    } else {
      const size_t size = 1 + random() % 20000;
      auto* const block = static_cast<char*>(region.allocate(size));
      ASSERT_NE(block, nullptr);
      std::memset(block, char(size), size);
      blocks.emplace_back(block, size);
    }
  }
  EXPECT_TRUE(region.check());
  EXPECT_EQ(ranges->statistics().ranges.used_ranges - used_before, region.statistics().spans);
  // More than there is memory for is refused, and nothing is lost by it.
  EXPECT_EQ(region.allocate(60 * MiB), nullptr);
  EXPECT_EQ(region.last_error(), RegionError::out_of_memory);
  EXPECT_TRUE(region.check() && ranges->check());
  for (const auto& [block, size] : blocks) region.free(block);
  EXPECT_EQ(region.statistics().spans, 1U);
  region.destroy();
  EXPECT_EQ(ranges->statistics().ranges.used_ranges, used_before);
  EXPECT_EQ(lost(), lost_before);
}

}  // namespace
}  // namespace strata
