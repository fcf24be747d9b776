// Frames on the simulated machine.
#include "frames/frames.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>
#include <vector>

#include "platform/sim/sim_machine.hpp"

namespace strata {
namespace {

using SimFrames = Frames<SimMachine>;

class frames : public testing::Test {
 protected:
  void open(size_t ram) { SimMachine::open(ram, 64 * MiB); }
  SimFrames* start(std::initializer_list<MemorySpan> spans, std::uint64_t limit = ~0ull) {
    for (const MemorySpan& span : spans) map.add(span.base, span.bytes());
    map.finish();
    return SimFrames::start(map, limit);
  }
  void TearDown() override { SimMachine::close(); }
  MemoryMap<256> map;
};

TEST_F(frames, every_frame_can_be_had_once_and_comes_back) {
  open(64 * MiB);
  SimFrames* f = start({{0x3000, 640 * KiB}, {1 * MiB, 9 * MiB + 20 * KiB}, {20 * MiB, 63 * MiB}});
  const FrameStatistics before = f->statistics();
  std::set<std::uint64_t> seen;
  for (;;) {
    const FrameRun run = f->allocate({.count = 1, .may_use_reserve = true});
    if (!run.first) break;
    ASSERT_TRUE(seen.insert(run.first.number).second);
    ASSERT_TRUE(f->is_out(run.first));
  }
  EXPECT_EQ(seen.size(), before.managed);
  for (const std::uint64_t number : seen) {
    bool inside = false;
    for (const MemorySpan& span : map) {
      inside |= number * frame_size >= span.base && (number + 1) * frame_size <= span.end;
    }
    ASSERT_TRUE(inside);
    ASSERT_TRUE(f->put({number}));
  }
  f->drain();
  EXPECT_EQ(f->statistics().pool, before.pool);
  EXPECT_EQ(f->statistics().free_blocks, before.free_blocks);
  EXPECT_TRUE(f->check());
}

TEST_F(frames, metadata_of_512_gib_is_less_than_two_hundredths_of_a_percent) {
  open(513 * GiB);
  SimFrames* f = start({{1 * MiB, 3 * GiB}, {4 * GiB, 513 * GiB}});
  const FrameStatistics now = f->statistics();
  EXPECT_LT(now.metadata * 10000, (now.managed + now.metadata) * 2);
  const FrameRun run = f->allocate({.count = 100 * GiB / frame_size});
  ASSERT_TRUE(bool(run.first));
  EXPECT_TRUE(f->free(run.first, run.count));
}

TEST_F(frames, metadata_is_at_most_two_hundredths_of_a_percent_from_1_gib_on) {
  for (std::uint64_t size = 4 * MiB; size <= 64 * GiB; size *= 2) {
    open(size + 1 * GiB);
    map = {};
    // As machines are: a hole below 1 MiB, and one below 4 GiB.
    SimFrames* f = size <= 3 * GiB
                       ? start({{0, 640 * KiB}, {1 * MiB, size}})
                       : start({{0, 640 * KiB}, {1 * MiB, 3 * GiB}, {4 * GiB, size + 1 * GiB}});
    const FrameStatistics now = f->statistics();
    const size_t all = now.managed + now.metadata;
    if (size >= 1 * GiB) EXPECT_LE(now.metadata * 5000, all) << size / MiB << " MiB";
    // Below: a fixed part of 64 KiB at most, and 256 bytes a block.
    EXPECT_LE(now.metadata, 16 + all * sizeof(FrameBlock) / (2 * MiB)) << size / MiB << " MiB";
    SimMachine::close();
  }
  open(1 * MiB);  // for TearDown
}

TEST_F(frames, two_hundred_spans_are_all_managed) {
  open(1 * GiB);
  for (std::uint64_t i = 1; i <= 200; ++i) map.add(i * 4 * MiB + i * frame_size, 1 * MiB);
  SimFrames* f = start({});
  EXPECT_EQ(f->statistics().regions, 200u);
  EXPECT_EQ(f->statistics().managed + f->statistics().metadata, 200 * 256u);
  EXPECT_TRUE(f->check());
}

TEST_F(frames, a_second_free_is_found_wherever_the_frame_is) {
  open(64 * MiB);
  SimFrames* f = start({{17 * MiB, 64 * MiB}});
  const Frame frame = f->get();
  EXPECT_TRUE(f->put(frame));
  EXPECT_FALSE(f->put(frame));  // in the magazine
  EXPECT_EQ(SimMachine::last_problem(), Problem::frame_freed_twice);
  f->drain();
  EXPECT_FALSE(f->put(frame));  // in the pool
  EXPECT_EQ(SimMachine::last_problem(), Problem::frame_freed_twice);
  const FrameRun run = f->allocate({.count = 100});
  EXPECT_TRUE(f->put(run.first + 50));
  EXPECT_FALSE(f->free(run.first, 100));  // one of it is free already: nothing changes
  EXPECT_TRUE(f->is_out(run.first));
  EXPECT_TRUE(f->free(run.first, 50));
  EXPECT_TRUE(f->free(run.first + 51, 49));
  EXPECT_TRUE(f->check());
}

TEST_F(frames, foreign_frames_are_refused) {
  open(64 * MiB);
  SimFrames* f = start({{17 * MiB, 30 * MiB}, {40 * MiB, 64 * MiB}});
  Frame metadata;
  f->walk([&](const FrameRegion& region) { metadata = region.metadata; });
  for (const Frame wrong : {Frame{0}, Frame::at(16 * MiB), Frame::at(35 * MiB), metadata,
                            Frame{std::uint64_t{1} << 51}}) {
    EXPECT_FALSE(f->put(wrong));
    EXPECT_EQ(SimMachine::last_problem(), Problem::frame_not_ours);
    EXPECT_FALSE(f->free(wrong, 4));
  }
  EXPECT_TRUE(f->check());
}

TEST_F(frames, limits_alignment_and_borders_are_kept) {
  open(64 * MiB);
  SimFrames* f = start({{1 * MiB, 64 * MiB}});
  std::mt19937_64 random(1);
  std::vector<FrameRun> live;
  for (int i = 0; i < 3000; ++i) {
    const size_t alignment = size_t{1} << random() % 6;
    const std::uint64_t min = random() % 16384;
    const FrameRequest request{.count = 1 + random() % 30,
                               .alignment = alignment,
                               .limits = {.min = {min}, .max = {min + 2000}, .boundary = 32}};
    const FrameRun run = f->allocate(request);
    if (run.first) {
      ASSERT_EQ(run.first.number % alignment, 0u);
      ASSERT_GE(run.first.number, min);
      ASSERT_LE(run.first.number + run.count, min + 2000);
      ASSERT_EQ(run.first.number / 32, (run.first.number + run.count - 1) / 32);
      live.push_back(run);
    }
    if (live.size() > 300 || (!run.first && !live.empty())) {
      ASSERT_TRUE(f->free(live.front().first, live.front().count));
      live.erase(live.begin());
    }
  }
  EXPECT_TRUE(f->check());
}

TEST_F(frames, low_zones_keep_a_reserve_for_those_who_need_them) {
  open(64 * MiB);
  SimFrames* f = start({{1 * MiB, 64 * MiB}});
  while (f->get()) {
  }
  EXPECT_FALSE(bool(f->allocate({.count = 4}).first));
  const FrameRun low = f->allocate({.count = 4, .zone = FrameZone::isa});
  ASSERT_TRUE(bool(low.first));
  EXPECT_LT(low.first.address(), 16 * MiB);
}

TEST_F(frames, memory_is_added_and_removed_while_running) {
  open(128 * MiB);
  SimFrames* f = start({{17 * MiB, 64 * MiB}});
  const FrameStatistics before = f->statistics();
  ASSERT_TRUE(f->add({80 * MiB, 128 * MiB}));
  EXPECT_FALSE(f->add({70 * MiB, 81 * MiB}));  // overlaps
  const FrameRun run = f->allocate({.count = 10, .limits = {.min = Frame::at(80 * MiB)}});
  ASSERT_TRUE(bool(run.first));
  ASSERT_TRUE(f->set_offline(80 * MiB));
  EXPECT_FALSE(f->remove(80 * MiB));  // ten frames are out
  EXPECT_TRUE(f->free(run.first, 4));
  for (size_t i = 4; i < 10; ++i) EXPECT_TRUE(f->put(run.first + i));
  EXPECT_TRUE(f->remove(80 * MiB));
  EXPECT_EQ(f->statistics().pool, before.pool);
  EXPECT_FALSE(f->put(run.first));
  EXPECT_TRUE(f->add({80 * MiB, 128 * MiB}));
  EXPECT_TRUE(f->check());
}

TEST_F(frames, regions_beyond_the_directory_make_it_grow) {
  open(2 * GiB);
  SimFrames* f = start({{17 * MiB, 64 * MiB}});
  for (std::uint64_t i = 0; i < 400; ++i) {
    ASSERT_TRUE(f->add({100 * MiB + i * 4 * MiB, 101 * MiB + i * 4 * MiB}));
  }
  EXPECT_EQ(f->statistics().regions, 401u);
  EXPECT_TRUE(f->check());
}

TEST_F(frames, runs_and_single_frames_agree_with_a_model) {
  open(256 * MiB);
  SimFrames* f =
      start({{64 * KiB, 600 * KiB}, {1 * MiB, 100 * MiB + 12 * KiB}, {120 * MiB, 256 * MiB}});
  std::mt19937_64 random(7);
  std::vector<char> owned(256 * MiB / frame_size, 0);
  std::vector<FrameRun> live;
  for (int i = 0; i < 60000; ++i) {
    if (random() % 2 != 0 || live.empty()) {
      const size_t count = random() % 10 == 0 ? 1 + random() % 3000 : 1 + random() % 40;
      const size_t alignment = size_t{1} << (random() % 4 == 0 ? random() % 11 : 0);
      const FrameRun run = count == 1 ? FrameRun{f->get(), 1}
                                      : f->allocate({.count = count, .alignment = alignment});
      if (!run.first) continue;
      if (count != 1) ASSERT_EQ(run.first.number % alignment, 0u);
      for (size_t k = 0; k < run.count; ++k) {
        ASSERT_EQ(owned[run.first.number + k], 0);
        owned[run.first.number + k] = 1;
      }
      live.push_back(run);
    } else {
      const size_t k = random() % live.size();
      for (size_t n = 0; n < live[k].count; ++n) owned[live[k].first.number + n] = 0;
      ASSERT_TRUE(f->free(live[k].first, live[k].count));
      live[k] = live.back();
      live.pop_back();
    }
    if (i % 5000 == 0) ASSERT_TRUE(f->check());
  }
}

// Four threads swap frames through `count` boxes; one step of `drain_share` drains, too.
void pass_frames(SimFrames* f, size_t count, unsigned drain_share) {
  const FrameStatistics before = f->statistics();
  std::vector<std::atomic<std::uint64_t>> boxes(count);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 20000; ++i) {
        const Frame frame = f->get();
        const std::uint64_t got = boxes[random() % count].exchange(frame ? frame.number + 1 : 0);
        if (got != 0) f->put({got - 1});
        if (random() % drain_share == 0) f->drain();
      }
      f->drain();
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& box : boxes) {
    if (box != 0) f->put({box - 1});
  }
  f->drain();
  EXPECT_EQ(SimMachine::problems(), 0u);
  EXPECT_EQ(f->statistics().pool, before.pool);
  EXPECT_TRUE(f->check());
}

TEST_F(frames, threads_pass_frames_to_each_other) {
  open(64 * MiB);
  pass_frames(start({{17 * MiB, 64 * MiB}}), 32, 10000);
}

// Few frames, many CPUs that take turns at draining: blocks belong to one after the other.
TEST_F(frames, blocks_change_hands_and_every_frame_is_accounted_for) {
  open(64 * MiB);
  pass_frames(start({{17 * MiB, 21 * MiB}}), 256, 100);
}

TEST_F(frames, of_two_cpus_that_free_a_frame_at_once_both_never_give_it_on) {
  open(64 * MiB);
  SimFrames* f = start({{17 * MiB, 64 * MiB}});
  constexpr int rounds = 400;
  std::atomic<std::uint64_t> victim = 0;
  std::atomic<int> turn = 0;
  std::thread other([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (turn != i) std::this_thread::yield();
      f->put({victim});
      f->drain();
      turn = -i;
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    const Frame frame = f->get();
    const unsigned before = SimMachine::problems();
    victim = frame.number;
    turn = i;
    f->put(frame);
    f->drain();
    while (turn != -i) std::this_thread::yield();
    ASSERT_GT(SimMachine::problems(), before) << "nobody noticed, round " << i;
    ASSERT_TRUE(f->check());
  }
  other.join();
}

// What is left when a block's own CPU and another one free a frame in the same instructions (see
// out_word.hpp): it lies in a magazine and counts as handed out.
TEST_F(frames, a_double_free_that_was_missed_is_found_when_the_frame_moves_on) {
  open(64 * MiB);
  SimFrames* f = start({{17 * MiB, 64 * MiB}});
  const auto miss = [&](Frame frame) {
    ASSERT_TRUE(f->put(frame));
    f->walk([&](const FrameRegion& region) {
      if (!region.holds(frame)) return;
      region.block_of(frame).out_of(frame).turn_all(FrameBlock::bit_of(frame), true);
    });
  };
  const Frame taken = f->get();
  miss(taken);
  const Frame instead = f->get();
  EXPECT_TRUE(bool(instead));
  EXPECT_FALSE(instead == taken);
  EXPECT_EQ(SimMachine::last_problem(), Problem::frame_freed_twice);
  miss(instead);
  f->drain();
  EXPECT_EQ(SimMachine::last_problem(), Problem::frame_freed_twice);
  EXPECT_TRUE(f->check());
  EXPECT_TRUE(f->is_out(taken) && f->is_out(instead)) << "left alone";
}

TEST_F(frames, a_map_too_small_for_our_own_state_is_refused) {
  open(64 * MiB);
  EXPECT_EQ(start({{16 * KiB, 32 * KiB}}), nullptr);
}

}  // namespace
}  // namespace strata
