// Lanes: CPUs do not meet, and yet every frame and every run is within reach of each of them.
#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "sim_frames.hpp"

namespace strata {
namespace {

class lanes : public test::SimFramesTest<16 * GiB> {};

TEST_F(lanes, cpus_take_frames_and_blocks_from_different_ones) {
  SimFrames* f = start({{4 * GiB, 8 * GiB}});
  unsigned single[frame_lanes], whole[frame_lanes];
  for (unsigned i = 0; i < frame_lanes; ++i) {
    elsewhere([&] {
      single[i] = lane_of(f->get());
      whole[i] = lane_of(f->allocate(block).first);
      EXPECT_EQ(single[i], lane_for(SimMachine::cpu(), 0));
      EXPECT_EQ(whole[i], single[i]);
    });
    for (unsigned other = 0; other < i; ++other) EXPECT_NE(single[i], single[other]);
  }
  EXPECT_TRUE(f->check());
}

TEST_F(lanes, a_cpu_goes_to_each_lane_once) {
  for (unsigned cpu = 0; cpu < 9; ++cpu) {
    unsigned seen = 0;
    for (unsigned n = 0; n < frame_lanes; ++n) seen |= 1U << lane_for(cpu, n);
    EXPECT_EQ(seen, (1U << frame_lanes) - 1);
  }
}

TEST_F(lanes, one_cpu_can_have_every_frame_and_every_block) {
  SimFrames* f = start({{4 * GiB + 5 * MiB, 7 * GiB - 3 * MiB}});
  const FrameStatistics before = f->statistics();
  std::vector<Frame> all;
  while (const Frame frame = f->get()) all.push_back(frame);
  EXPECT_EQ(all.size(), before.pool);
  for (const Frame frame : all) ASSERT_TRUE(f->put(frame));
  f->drain();
  EXPECT_EQ(f->statistics().free_blocks, before.free_blocks);
  all.clear();
  while (const Frame frame = f->allocate(block).first) all.push_back(frame);
  EXPECT_EQ(all.size(), before.free_blocks);
  // Freed by another CPU, lanes in turn: each comes back to its own.
  elsewhere([&] {
    std::shuffle(all.begin(), all.end(), std::mt19937(1));
    for (const Frame frame : all) ASSERT_TRUE(f->free(frame, frames_per_block));
    f->drain();
  });
  expect_free_as(before);
}

TEST_F(lanes, runs_go_over_a_stripes_end) {
  SimFrames* f = start({{4 * GiB, 10 * GiB}});
  const FrameStatistics before = f->statistics();
  EXPECT_GT(before.longest_blocks, 5 * stripe_blocks);
  const size_t longest = before.longest_blocks * frames_per_block;
  const FrameRun all = f->allocate({.count = longest});
  ASSERT_TRUE(bool(all.first));
  EXPECT_TRUE(f->check());
  EXPECT_TRUE(f->free(all.first, longest));
  EXPECT_FALSE(f->free(all.first, longest));
  EXPECT_EQ(f->statistics().longest_blocks, before.longest_blocks);

  // By limits; and its first half freed under one lane's lock, its second under all.
  const Frame border = Frame::at(5 * GiB);
  const FrameRun over =
      f->allocate({.count = 3000, .limits = {.min = {border.number - 1500}, .max = border + 1500}});
  ASSERT_EQ(over.first.number, border.number - 1500);
  EXPECT_TRUE(f->free(over.first, 1000));
  EXPECT_FALSE(f->free(over.first, 3000));
  EXPECT_TRUE(f->free(over.first + 1000, 2000));
  // Whole blocks on both sides: the first block behind the end is a free span's first.
  const FrameRun two = f->allocate(
      {.count = 2 * frames_per_block,
       .limits = {.min = {border.number - frames_per_block}, .max = border + frames_per_block}});
  ASSERT_EQ(two.first.number, border.number - frames_per_block);
  EXPECT_TRUE(f->check());
  EXPECT_TRUE(f->free(two.first, two.count));
  const FrameRun behind =
      f->allocate({.count = frames_per_block, .limits = {.min = border, .max = border + 512}});
  ASSERT_EQ(behind.first.number, border.number);
  EXPECT_TRUE(f->check());
  EXPECT_TRUE(f->free(behind.first, behind.count));
  f->drain();
  expect_free_as(before);
}

TEST_F(lanes, whole_blocks_stay_whole_while_others_have_many_parts) {
  SimFrames* f = start({{4 * GiB, 8 * GiB}});
  constexpr size_t parts = 40;
  elsewhere([&] {  // leaves many blocks with one frame out
    std::vector<Frame> all(parts * frames_per_block);
    for (Frame& frame : all) frame = f->get();
    for (const Frame frame : all) {
      if (frame.number % frames_per_block != 7) EXPECT_TRUE(f->put(frame));
    }
    f->drain();
  });
  const size_t whole = f->statistics().free_blocks;
  elsewhere([&] {
    for (size_t i = 0; i < 20 * (frames_per_block - 1); ++i) EXPECT_TRUE(bool(f->get()));
  });
  EXPECT_EQ(f->statistics().free_blocks, whole);
  EXPECT_TRUE(f->check());
}

TEST_F(lanes, a_region_in_several_is_taken_away_and_brought_back) {
  SimFrames* f = start({{4 * GiB, 6 * GiB}});
  const FrameStatistics before = f->statistics();
  ASSERT_TRUE(f->add({9 * GiB, 12 * GiB}));
  ASSERT_TRUE(f->set_offline(9 * GiB));
  EXPECT_EQ(f->free_in(FrameZone::any), before.pool);
  ASSERT_TRUE(f->set_online(9 * GiB));
  EXPECT_TRUE(f->check());
  const FrameRun run = f->allocate({.count = 5 * GiB / 2 / frame_size});
  ASSERT_GE(run.first.address(), 9 * GiB);
  ASSERT_TRUE(f->set_offline(9 * GiB));
  EXPECT_FALSE(f->remove(9 * GiB));
  EXPECT_TRUE(f->free(run.first, run.count));
  EXPECT_TRUE(f->check());
  EXPECT_TRUE(f->remove(9 * GiB));
  EXPECT_EQ(f->statistics().pool, before.pool);
  EXPECT_TRUE(f->check());
}

// Half of the memory on either side of a stripe's end, so that runs often go over it.
TEST_F(lanes, threads_pass_runs_over_a_stripes_end_to_each_other) {
  SimFrames* f = start({{5 * GiB - 16 * MiB, 5 * GiB + 16 * MiB}});
  const FrameStatistics before = f->statistics();
  std::atomic<std::uint64_t> boxes[16] = {};  // first frame, and the length in the low 16 bits
  const auto give = [&](std::uint64_t run) {
    if (run != 0) EXPECT_TRUE(f->free({run >> 16}, run & 0xffff));
  };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 10000; ++i) {
        const unsigned kind = random() % 8;
        const size_t count = kind < 4 ? 1 : kind < 6 ? frames_per_block : 1 + random() % 1500;
        const Frame first =
            count == 1
                ? f->get()
                : f->allocate({.count = count, .alignment = count == frames_per_block ? count : 1})
                      .first;
        const std::uint64_t run = first ? first.number << 16 | count : 0;
        give(boxes[random() % 16].exchange(run));
      }
      f->drain();
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& box : boxes) give(box);
  f->drain();
  EXPECT_EQ(SimMachine::problems(), 0u);
  EXPECT_EQ(f->statistics().pool, before.pool);
  EXPECT_EQ(f->statistics().free_blocks, before.free_blocks);
  EXPECT_TRUE(f->check());
}

}  // namespace
}  // namespace strata
