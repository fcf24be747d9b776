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

// Blocks of every kind, which may be refused; those that were had keep their contents. Returns how
// many were refused.
int ask_for_all_kinds() {
  struct Had {
    void* block;
    size_t size;
  };
  std::vector<Had> all;
  int refused = 0;
  const auto keep = [&](void* block, size_t size) {
    if (block == nullptr) {
      ++refused;
      return;
    }
    std::memset(block, int(all.size()), size);
    all.push_back({block, size});
  };
  for (int i = 0; i < 8; ++i) {
    keep(heap::allocate(200000), 200000);
    keep(heap::allocate(20000), 20000);
    keep(heap::allocate_zeroed(70000), 70000);
    keep(heap::allocate_aligned(64 * KiB, 5000), 5000);
  }
  for (size_t i = 0; i < all.size(); i += 3) {
    auto* const grown = static_cast<unsigned char*>(heap::reallocate(all[i].block, 500000));
    if (grown == nullptr) {
      ++refused;
    } else {
      EXPECT_EQ(grown[all[i].size - 1], i);
      std::memset(grown, int(i), 500000);
      all[i] = {grown, 500000};
    }
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const auto* const bytes = static_cast<const unsigned char*>(all[i].block);
    EXPECT_TRUE(bytes[0] == i && bytes[all[i].size / 2] == i && bytes[all[i].size - 1] == i);
    heap::free(all[i].block);
  }
  heap::trim(0);
  return refused;
}

TEST(heap_on_space, whatever_map_call_is_refused_the_heap_goes_on) {
  stack();
  ask_for_all_kinds();  // takes what stays for good
  const size_t before = stack().frames_in_use();
  long nth = 1;
  for (;; ++nth) {
    ASSERT_LT(nth, 3000);
    SimMachine::fail_map_at(nth);
    ask_for_all_kinds();
    const bool never_came = SimMachine::failure_is_due();
    SimMachine::fail_map_at(0);
    ASSERT_TRUE(stack().frames->check() && stack().ranges->check()) << nth;
    ASSERT_LE(stack().frames_in_use(), before + 64) << nth;
    if (never_came) break;
  }
  EXPECT_GT(nth, 50);
  EXPECT_EQ(SimMachine::problems(), 0u);
}

TEST(heap_on_space, however_few_frames_are_left_the_heap_goes_on) {
  stack();
  ask_for_all_kinds();
  std::vector<Frame> held;
  while (const Frame frame = stack().frames->get()) held.push_back(frame);
  int refused = 1;
  for (size_t left = 0; refused != 0; left += left < 40 ? 1 : 97) {
    ASSERT_FALSE(held.empty());
    for (const size_t most = held.size() - (left < 40 ? 1 : 97); held.size() > most;) {
      stack().frames->put(held.back());
      held.pop_back();
    }
    refused = ask_for_all_kinds();
    ASSERT_TRUE(stack().frames->check() && stack().ranges->check()) << left;
  }
  for (const Frame frame : held) stack().frames->put(frame);
  EXPECT_EQ(SimMachine::problems(), 0u);
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
