// 2 MiB frames: whole blocks through the CPUs' magazines, in parts, and out of others' reach never.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "sim_frames.hpp"

namespace strata {
namespace {

class blocks : public test::SimFramesTest<256 * MiB> {};

TEST_F(blocks, a_second_free_is_found_as_a_whole_and_in_parts) {
  SimFrames* f = start({{16 * MiB, 64 * MiB}});
  const Frame first = f->allocate(block).first;
  EXPECT_TRUE(f->is_out(first) && f->is_out(first + 511));
  EXPECT_TRUE(f->free(first, frames_per_block));
  EXPECT_FALSE(f->is_out(first) || f->is_out(first + 511));
  const auto refuse = [&] {
    EXPECT_FALSE(f->free(first, frames_per_block));
    EXPECT_EQ(SimMachine::last_problem(), Problem::frame_freed_twice);
    EXPECT_FALSE(f->put(first + 7));
    EXPECT_EQ(SimMachine::last_problem(), Problem::frame_freed_twice);
    EXPECT_FALSE(f->free(first + 7, 100));
  };
  refuse();  // in a magazine
  EXPECT_TRUE(f->check());
  f->drain();
  refuse();  // in the pool
  EXPECT_TRUE(f->check());
}

TEST_F(blocks, a_block_may_be_freed_in_parts_and_parts_as_a_block) {
  SimFrames* f = start({{16 * MiB, 64 * MiB}});
  const FrameStatistics before = f->statistics();
  const Frame first = f->allocate(block).first;
  EXPECT_TRUE(f->put(first + 100));
  EXPECT_FALSE(f->put(first + 100));
  EXPECT_FALSE(f->free(first, frames_per_block));  // one of it is free: nothing changes
  EXPECT_TRUE(f->is_out(first) && !f->is_out(first + 100));
  EXPECT_TRUE(f->free(first, 100));
  EXPECT_TRUE(f->free(first + 101, 411));
  f->drain();
  EXPECT_EQ(f->statistics().pool, before.pool);

  const Frame low = f->allocate({.count = 100, .alignment = frames_per_block}).first;
  const FrameRun rest = f->allocate({.count = 412, .limits = {.min = low + 100, .max = low + 512}});
  ASSERT_EQ(rest.first.number, low.number + 100);
  EXPECT_TRUE(f->free(low, frames_per_block));
  EXPECT_FALSE(f->free(low, frames_per_block));
  EXPECT_EQ(f->statistics().pool, before.pool);

  // A run of blocks, freed from its middle on.
  const Frame run = f->allocate({.count = 3 * frames_per_block}).first;
  EXPECT_TRUE(f->free(run + frames_per_block / 2, 2 * frames_per_block));
  EXPECT_FALSE(f->free(run, frames_per_block));
  EXPECT_TRUE(f->free(run, frames_per_block / 2));
  EXPECT_TRUE(f->free(run + 5 * frames_per_block / 2, frames_per_block / 2));
  EXPECT_EQ(f->statistics().pool, before.pool);
  EXPECT_TRUE(f->check());
}

TEST_F(blocks, what_stands_in_other_magazines_is_taken_back_before_a_request_is_refused) {
  SimFrames* f = start({{16 * MiB, 64 * MiB}});
  const FrameStatistics before = f->statistics();
  ASSERT_GE(before.free_blocks, 23u);
  // Another CPU fills its magazine, and does not drain it.
  const auto fill = [&] {
    elsewhere([&] {
      std::vector<Frame> some(10);
      for (Frame& frame : some) frame = f->allocate(block).first;
      for (const Frame frame : some) ASSERT_TRUE(f->free(frame, frames_per_block));
    });
    const FrameStatistics now = f->statistics();
    EXPECT_LT(now.pool, before.pool);
    EXPECT_EQ(now.pool + now.magazines, before.pool);
    EXPECT_EQ(now.free_blocks, before.free_blocks);
    EXPECT_EQ(f->free_frames(), before.pool);
    EXPECT_TRUE(f->check());
  };
  fill();
  const FrameRun all = f->allocate({.count = before.longest_blocks * frames_per_block});
  ASSERT_TRUE(bool(all.first)) << "a long run";
  EXPECT_TRUE(f->free(all.first, all.count));
  fill();
  size_t singles = 0;
  while (f->get()) ++singles;
  EXPECT_EQ(singles, before.pool);
}

TEST_F(blocks, every_block_can_be_had) {
  SimFrames* f = start({{16 * MiB, 64 * MiB}, {100 * MiB, 200 * MiB}});
  const FrameStatistics before = f->statistics();
  std::vector<Frame> all;
  while (const Frame first = f->allocate(block).first) {
    ASSERT_EQ(first.number % frames_per_block, 0u);
    all.push_back(first);
  }
  EXPECT_EQ(all.size(), before.free_blocks);
  EXPECT_EQ(f->statistics().free_blocks, 0u);
  std::shuffle(all.begin(), all.end(), std::mt19937(1));
  for (const Frame first : all) ASSERT_TRUE(f->free(first, frames_per_block));
  EXPECT_EQ(f->statistics().free_blocks, before.free_blocks);
  f->drain();
  expect_free_as(before);
}

TEST_F(blocks, a_region_can_be_removed_whose_blocks_stood_in_magazines) {
  SimFrames* f = start({{16 * MiB, 64 * MiB}});
  ASSERT_TRUE(f->add({100 * MiB, 140 * MiB}));
  elsewhere([&] {
    std::vector<Frame> all;
    while (const Frame first = f->allocate(block).first) all.push_back(first);
    for (const Frame first : all) ASSERT_TRUE(f->free(first, frames_per_block));
  });
  ASSERT_TRUE(f->set_offline(100 * MiB));
  EXPECT_TRUE(f->remove(100 * MiB));
  while (const Frame first = f->allocate(block).first) EXPECT_LT(first.address(), 64 * MiB);
  EXPECT_TRUE(f->check());
}

TEST_F(blocks, those_of_a_low_zone_pass_the_magazines_by) {
  SimFrames* f = start({{1 * MiB, 64 * MiB}});
  const FrameRequest low{.count = 512, .alignment = 512, .zone = FrameZone::isa};
  const Frame first = f->allocate(low).first;
  ASSERT_LT(first.address(), 16 * MiB);
  const size_t before = f->free_in(FrameZone::isa);
  EXPECT_TRUE(f->free(first, frames_per_block));
  EXPECT_EQ(f->free_in(FrameZone::isa), before + frames_per_block);
}

TEST_F(blocks, threads_pass_them_to_each_other_whole_and_in_parts) {
  SimFrames* f = start({{16 * MiB, 120 * MiB}});
  const FrameStatistics before = f->statistics();
  std::atomic<std::uint64_t> boxes[16] = {};
  std::vector<std::thread> threads;
  const auto give = [&](Frame first, unsigned how) {
    if (how == 0) {
      f->free(first, frames_per_block / 2);
      for (size_t i = frames_per_block / 2; i < frames_per_block; ++i) f->put(first + i);
    } else {
      f->free(first, frames_per_block);
    }
  };
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 4000; ++i) {
        const Frame first = f->allocate(block).first;
        const std::uint64_t got = boxes[random() % 16].exchange(first ? first.number : 0);
        if (got != 0) give({got}, random() % 16);
      }
      f->drain();
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& box : boxes) {
    if (box != 0) give({box}, 1);
  }
  f->drain();
  EXPECT_EQ(SimMachine::problems(), 0u);
  EXPECT_EQ(f->statistics().pool, before.pool);
  EXPECT_EQ(f->statistics().free_blocks, before.free_blocks);
  EXPECT_TRUE(f->check());
}

}  // namespace
}  // namespace strata
