// Whatever the machine refuses, at whichever call: the request is refused, and all is as before.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <vector>

#include "platform/sim/sim_machine.hpp"
#include "ranges/space.hpp"

namespace strata {
namespace {

class space_refusal : public testing::Test {
 protected:
  static constexpr size_t ram = 32 * MiB;

  void SetUp() override {
    SimMachine::open(ram, 256 * MiB);
    map.add(0, ram);
    map.finish();
    frames = Frames<SimMachine>::start(map, ~0ull);
    ranges = Space<SimMachine>::start(*frames, SimMachine::window(), SimMachine::window_bytes());
    ASSERT_NE(ranges, nullptr);
    kept = ranges->allocate({.bytes = 64 * KiB});
    std::memset(reinterpret_cast<void*>(kept), 0x5a, 64 * KiB);
    program();  // takes what stays for good
  }
  void TearDown() override {
    EXPECT_EQ(SimMachine::stale_uses(), 0) << "a frame was used before its flush";
    EXPECT_EQ(SimMachine::problems(), 0u) << "something was freed that was not there";
    SimMachine::close();
  }

  // Every operation of a Space, each of which may be refused. What it was given it gives back.
  // Returns how many were refused.
  int program() {
    int refused = 0;
    const auto granted = [&](bool yes) {
      refused += yes ? 0 : 1;
      return yes;
    };
    const auto touch = [](Address at, size_t bytes) {
      std::memset(reinterpret_cast<void*>(at), 1, bytes);
    };
    const Address small = ranges->allocate({.bytes = 20 * KiB, .guard_after = 4 * KiB});
    if (granted(small != 0)) touch(small, 20 * KiB);
    size_t large_bytes = 4 * MiB + 40 * KiB;
    const Address large = ranges->allocate({.bytes = large_bytes, .alignment = 2 * MiB});
    if (granted(large != 0)) {
      touch(large, large_bytes);
      if (granted(ranges->extend(large, large_bytes, 5 * MiB))) large_bytes = 5 * MiB;
      touch(large, large_bytes);
      if (granted(ranges->trim(large, large_bytes, 3 * MiB))) large_bytes = 3 * MiB;
      touch(large, large_bytes);
    }
    const Address bare = ranges->reserve({.bytes = 4 * MiB, .alignment = 2 * MiB});
    if (granted(bare != 0)) {
      if (granted(ranges->commit(bare, 2 * MiB, Access::read_write, true))) {
        touch(bare, 2 * MiB);
        if (granted(ranges->decommit(bare + 64 * KiB, 128 * KiB))) {
          if (granted(ranges->commit(bare + 64 * KiB, 128 * KiB))) touch(bare, 2 * MiB);
        }
      }
      EXPECT_TRUE(ranges->free(bare, 4 * MiB));
    }
    if (large != 0) EXPECT_TRUE(ranges->free(large, large_bytes));
    if (small != 0) EXPECT_TRUE(ranges->free(small, 20 * KiB));
    return refused;
  }

  struct State {
    size_t out, mapped, used, ranges;
    bool operator==(const State&) const = default;
  };
  State state() {
    ranges->settle();
    frames->drain();
    const SpaceStatistics now = ranges->statistics();
    EXPECT_EQ(now.mapped_pages, SimMachine::mapped_pages());
    return {frames->statistics().out() - now.tag_frames, now.mapped_pages, now.ranges.used_bytes,
            now.ranges.used_ranges};
  }
  void expect_whole(const State& before, long nth) {
    ASSERT_EQ(state(), before) << "refused at call " << nth;
    ASSERT_TRUE(ranges->check() && frames->check()) << "refused at call " << nth;
    for (size_t i = 0; i < 64 * KiB; ++i) {
      ASSERT_EQ(reinterpret_cast<unsigned char*>(kept)[i], 0x5a) << "refused at call " << nth;
    }
  }

  // Runs the program with the n-th call refused, for every n until none is.
  void refuse_each(const std::function<void(long)>& refuse_at, int least) {
    const State before = state();
    long nth = 1;
    for (;; ++nth) {
      ASSERT_LT(nth, 2000);
      refuse_at(nth);
      program();
      const bool never_came = SimMachine::failure_is_due();
      refuse_at(0);
      expect_whole(before, nth);
      if (never_came) break;
    }
    EXPECT_GT(nth, least) << "the program does not call it often enough";
    EXPECT_EQ(program(), 0);
  }

  MemoryMap<16> map;
  Frames<SimMachine>* frames;
  Space<SimMachine>* ranges;
  Address kept;
};

TEST_F(space_refusal, of_map_at_every_call_changes_nothing) {
  refuse_each(SimMachine::fail_map_at, 10);
}

TEST_F(space_refusal, of_a_split_at_every_call_changes_nothing) {
  refuse_each(SimMachine::fail_split_at, 2);
}

TEST_F(space_refusal, for_want_of_frames_however_few_changes_nothing) {
  const State before = state();
  std::vector<Frame> held;
  while (const Frame frame = frames->get()) held.push_back(frame);
  // From none left to enough, first in small steps.
  size_t left = 0;
  int refused = 1;
  for (size_t step = 1; refused != 0 && !held.empty(); step = left < 64 ? 1 : 61) {
    refused = program();
    ASSERT_TRUE(ranges->check() && frames->check()) << left << " frames left";
    for (size_t i = 0; i < step && !held.empty(); ++i, ++left) {
      ASSERT_TRUE(frames->put(held.back()));
      held.pop_back();
    }
  }
  EXPECT_EQ(refused, 0);
  EXPECT_GT(left, 1000u);
  for (const Frame frame : held) frames->put(frame);
  expect_whole(before, long(left));
}

TEST_F(space_refusal, to_start_gives_back_what_was_taken) {
  std::vector<Frame> held;
  while (const Frame frame = frames->get()) held.push_back(frame);
  Space<SimMachine>* second = nullptr;
  for (size_t left = 0; second == nullptr; ++left) {
    ASSERT_LT(left, 64u);
    const size_t before = frames->free_frames();
    second = Space<SimMachine>::start(*frames, SimMachine::window() + 128 * MiB, 64 * MiB);
    if (second == nullptr) {
      ASSERT_EQ(frames->free_frames(), before);
      frames->put(held.back());
      held.pop_back();
    }
  }
  second->stop();
  for (const Frame frame : held) frames->put(frame);
}

}  // namespace
}  // namespace strata
