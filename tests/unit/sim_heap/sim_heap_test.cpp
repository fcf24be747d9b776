// All three storeys in one process: the slab heap on a Space on Frames on the simulated machine.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "heap/heap.hpp"
#include "platform/sim/sim_machine.hpp"

// The front's hooks, for a program whose threads end.
namespace strata::heap {
constinit const Hook on_thread_start = nullptr;
constinit const Hook on_first_use = nullptr;
}  // namespace strata::heap

namespace strata {
namespace {

// The heap lives as long as the process, so all tests share one machine.
struct Stack {
  Stack() {
    SimMachine::open(256 * MiB, 4 * GiB);
    map.add(0, 256 * MiB);
    map.finish();
    frames = Frames<SimMachine>::start(map, ~0ull);
    ranges = Space<SimMachine>::start(*frames, SimMachine::window(), SimMachine::window_bytes());
    Machine::start(*ranges);
    range_settings.reserve = 1 * GiB;
    range_settings.dirty_limit = 1 * MiB;
  }
  size_t frames_in_use() {
    heap::trim(0);
    ranges->settle();
    frames->drain();
    return frames->statistics().out();
  }
  MemoryMap<16> map;
  Frames<SimMachine>* frames;
  Space<SimMachine>* ranges;
};
Stack& stack() {
  static Stack one;
  return one;
}

void churn(unsigned seed, size_t limit) {
  std::mt19937 random(seed);
  struct Live {
    unsigned char* block;
    size_t size;
  };
  std::vector<Live> live;
  size_t bytes = 0;
  for (int i = 0; i < 30000; ++i) {
    if (bytes < limit && random() % 3 != 0) {
      const size_t size = 1 + random() % (random() % 100 == 0 ? 400000 : 2000);
      auto* block = static_cast<unsigned char*>(heap::allocate(size));
      ASSERT_NE(block, nullptr);
      block[0] = block[size - 1] = static_cast<unsigned char>(size);
      live.push_back({block, size});
      bytes += size;
    } else if (!live.empty()) {
      const size_t k = random() % live.size();
      ASSERT_EQ(live[k].block[0], static_cast<unsigned char>(live[k].size));
      ASSERT_EQ(live[k].block[live[k].size - 1], static_cast<unsigned char>(live[k].size));
      heap::free(live[k].block);
      bytes -= live[k].size;
      live[k] = live.back();
      live.pop_back();
    }
  }
  for (const Live& l : live) heap::free(l.block);
}

TEST(heap_on_space, frames_come_back_when_the_heap_shrinks) {
  stack();
  churn(1, 64 * MiB);
  const size_t before = stack().frames_in_use();
  churn(2, 64 * MiB);
  churn(3, 64 * MiB);
  EXPECT_LE(stack().frames_in_use(), before + 64);
  EXPECT_EQ(SimMachine::stale_uses(), 0);
}

TEST(heap_on_space, calloc_reads_zero_on_recycled_frames) {
  stack();
  for (size_t size : {size_t{24}, size_t{5000}, size_t{100000}, size_t{2000000}}) {
    for (int round = 0; round < 3; ++round) {
      auto* block = static_cast<unsigned char*>(heap::allocate_zeroed(size));
      ASSERT_NE(block, nullptr);
      for (size_t i = 0; i < size; ++i) ASSERT_EQ(block[i], 0) << size;
      std::memset(block, 0xaa, size);
      heap::free(block);
      heap::trim(0);
    }
  }
}

TEST(heap_on_space, out_of_frames_is_null_and_recovers) {
  stack();
  for (int round = 0; round < 2; ++round) {
    std::vector<void*> all;
    while (void* block = heap::allocate(100000)) {
      std::memset(block, 1, 100000);
      all.push_back(block);
      ASSERT_LT(all.size(), 3000u);
    }
    EXPECT_GT(all.size(), 1500u);
    for (void* block : all) heap::free(block);
  }
  stack().frames_in_use();
  EXPECT_TRUE(stack().frames->check() && stack().ranges->check());
}

TEST(heap_on_space, a_refused_map_is_null_never_a_crash) {
  stack();
  for (long nth = 1; nth < 40; ++nth) {
    SimMachine::fail_map_at(nth);
    std::vector<void*> all;
    for (int i = 0; i < 20; ++i) {
      void* block = heap::allocate(200000);
      if (block != nullptr) std::memset(block, 1, 200000);
      all.push_back(block);
    }
    SimMachine::fail_map_at(0);
    for (void* block : all) heap::free(block);
    heap::trim(0);
  }
  EXPECT_TRUE(stack().frames->check() && stack().ranges->check());
}

TEST(heap_on_space, threads_free_each_others_blocks) {
  stack();
  std::atomic<void*> boxes[64] = {};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 20000; ++i) {
        const size_t size = 16 + random() % 3000;
        void* block = heap::allocate(size);
        std::memset(block, int(t), size);
        heap::free(boxes[random() % 64].exchange(block));
      }
      heap::finish_thread();
      stack().frames->drain();
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& box : boxes) heap::free(box);
  stack().frames_in_use();
  EXPECT_TRUE(stack().frames->check() && stack().ranges->check());
}

}  // namespace
}  // namespace strata
