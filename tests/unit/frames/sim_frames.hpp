// Frames over a simulated machine, and work on several of its CPUs: what tests of whole blocks and of
// lanes start from.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <thread>

#include "frames/frames.hpp"
#include "platform/sim/sim_machine.hpp"

namespace strata::test {

template <size_t ram>
class SimFramesTest : public testing::Test {
 protected:
  using SimFrames = Frames<SimMachine>;
  static constexpr FrameRequest block{.count = frames_per_block, .alignment = frames_per_block};

  SimFrames* start(std::initializer_list<MemorySpan> spans) {
    SimMachine::open(ram, 64 * MiB);
    for (const MemorySpan& span : spans) map_.add(span.base, span.bytes());
    map_.finish();
    return frames_ = SimFrames::start(map_, ~std::uint64_t{0});
  }
  // All that was free is free again, and joined.
  void expect_free_as(const FrameStatistics& before) {
    EXPECT_EQ(frames_->statistics().pool, before.pool);
    EXPECT_EQ(frames_->statistics().longest_blocks, before.longest_blocks);
    EXPECT_TRUE(frames_->check());
  }
  // On another CPU, and the next one's lanes begin elsewhere.
  template <class Work>
  static void elsewhere(Work work) {
    std::thread(work).join();
  }
  void TearDown() override { SimMachine::close(); }

 private:
  MemoryMap<16> map_;
  SimFrames* frames_ = nullptr;
};

}  // namespace strata::test
