// The slab heap inside a static pool of 24 MiB, without paging.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "heap/heap.hpp"

namespace strata::heap {
constinit const Hook on_thread_start = nullptr;
constinit const Hook on_first_use = nullptr;
}  // namespace strata::heap

namespace strata {
namespace {

alignas(4096) unsigned char pool[24 * MiB];

Frames<FixedMachine>* frames() {
  static Frames<FixedMachine>* one = [] {
    FixedMachine::set_pool(pool);
    auto* made = Machine::start_pool(sizeof(pool));
    range_settings.reserve = 8 * MiB;
    return made;
  }();
  return one;
}

TEST(fixed_heap, blocks_lie_in_the_pool_and_keep_their_contents) {
  ASSERT_NE(frames(), nullptr);
  std::mt19937 random(1);
  std::vector<std::pair<unsigned char*, size_t>> live;
  for (int i = 0; i < 20000; ++i) {
    if (live.size() < 500 || random() % 2 != 0) {
      const size_t size = 1 + random() % (random() % 50 == 0 ? 300000 : 1500);
      auto* block = static_cast<unsigned char*>(heap::allocate(size));
      if (block == nullptr) {
        for (auto& [b, s] : live) heap::free(b);
        live.clear();
        continue;
      }
      ASSERT_GE(block, pool);
      ASSERT_LE(block + size, pool + sizeof(pool));
      block[0] = block[size - 1] = static_cast<unsigned char>(size);
      live.push_back({block, size});
    } else {
      auto [block, size] = live[random() % live.size()];
      ASSERT_EQ(block[size - 1], static_cast<unsigned char>(size));
      heap::free(block);
      std::erase(live, std::pair{block, size});
    }
  }
  for (auto& [block, size] : live) heap::free(block);
}

TEST(fixed_heap, however_few_frames_are_left_the_heap_goes_on) {
  ASSERT_NE(frames(), nullptr);
  std::vector<Frame> held;
  while (const Frame frame = frames()->get()) held.push_back(frame);
  for (size_t left = 0; left < 3000 && !held.empty(); left += left < 40 ? 1 : 97) {
    for (size_t i = 0; i < (left < 40 ? 1 : 97) && !held.empty(); ++i) {
      frames()->put(held.back());
      held.pop_back();
    }
    std::vector<unsigned char*> blocks;
    for (const size_t size : {100u, 5000u, 40000u, 300000u, 1000000u}) {
      auto* block = static_cast<unsigned char*>(heap::allocate(size));
      if (block == nullptr) continue;
      std::memset(block, 7, size);
      blocks.push_back(block);
    }
    for (unsigned char* block : blocks) {
      ASSERT_EQ(block[0], 7);
      heap::free(block);
    }
    ASSERT_TRUE(frames()->check()) << left;
  }
  for (const Frame frame : held) frames()->put(frame);
  void* block = heap::allocate(1000000);
  EXPECT_NE(block, nullptr);
  heap::free(block);
}

TEST(fixed_heap, a_full_pool_is_null_and_recovers) {
  frames();
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> all;
    while (void* block = heap::allocate(1000)) {
      std::memset(block, 1, 1000);
      all.push_back(block);
      ASSERT_LT(all.size(), 30000u);
    }
    EXPECT_GT(all.size(), 5000u);
    for (void* block : all) heap::free(block);
  }
}

}  // namespace
}  // namespace strata
