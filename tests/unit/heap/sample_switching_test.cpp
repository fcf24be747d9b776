// Sampling is switched on and off while threads run: all of them are reached, and nothing is lost.
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "heap/statistics.hpp"
#include "sampling.hpp"

namespace {

using namespace strata;
using namespace strata::sampling_test;

TEST_F(Sampling, switching_on_and_off_reaches_threads_that_run) {
  std::atomic<bool> stop = false;
  std::atomic<unsigned> samples = 0;
  on_allocation = [&](Allocation&) { ++samples; };
  std::vector<std::thread> threads;
  constexpr unsigned thread_count = 4;
  for (unsigned i = 0; i < thread_count; ++i) {
    threads.emplace_back([&] {
      std::vector<void*> blocks(2'000);
      while (!stop) {
        for (void*& block : blocks) block = heap::allocate(100);
        for (void* block : blocks) heap::free(block);
      }
    });
  }
  for (unsigned round = 0; round < 20; ++round) {
    heap::sample::set_mean(Which::profile, 16 * KiB);
    const unsigned before = samples;
    while (samples < before + 100) std::this_thread::yield();
    heap::sample::set_mean(Which::profile, 0);
    // Whoever had met a sample already may still show that one, however late it runs again.
    const unsigned after = samples;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_LE(samples, after + thread_count);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

// The thread never misses: while nobody samples, malloc takes what free has just put back.
TEST_F(Sampling, a_thread_that_only_takes_and_gives_back_one_block_is_reached) {
  std::atomic<std::uint64_t> pairs = 0;
  std::atomic<unsigned> samples = 0;
  std::atomic<bool> stop = false;
  on_allocation = [&](Allocation& allocation) {
    if (allocation.counted == 96) ++samples;
  };
  std::thread thread([&] {
    while (!stop) {
      heap::free(heap::allocate(96));
      ++pairs;
    }
  });
  double expected = 0;
  for (unsigned round = 0; round < 20; ++round) {
    const std::uint64_t off = pairs;
    while (pairs < off + 20'000) std::this_thread::yield();
    heap::sample::set_mean(Which::profile, 4 * KiB);
    const std::uint64_t on = pairs;
    while (pairs < on + 20'000) std::this_thread::yield();
    expected += double(pairs - on) * chance(96, 4 * KiB);
    heap::sample::set_mean(Which::profile, 0);
  }
  stop = true;
  thread.join();
  // Each time one pair may pass before the thread knows, and some while this thread sleeps.
  EXPECT_NEAR(samples, expected, expected * 0.1 + most_sigma * std::sqrt(expected));
}

// Switched again and again, while blocks of many classes are live and pass between threads: every
// block stays whole, and the statistics come out even.
TEST_F(Sampling, switching_under_way_loses_no_block) {
  std::atomic<bool> stop = false;
  heap::Statistics before{};
  heap::collect(before);
  std::thread switcher([&] {
    for (unsigned i = 0; !stop; ++i) {
      heap::sample::set_mean(Which::profile, i % 2 == 0 ? 8 * KiB : 0);
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  std::vector<std::vector<std::pair<unsigned char*, size_t>>> handed(4);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      auto& live = handed[t];
      for (unsigned i = 0; i < 150'000; ++i) {
        if (live.size() > 3'000 || (!live.empty() && random() % 2 == 0)) {
          std::swap(live[random() % live.size()], live.back());
          const auto [block, size] = live.back();
          ASSERT_EQ(block[0], (unsigned char)(size + t));
          ASSERT_EQ(block[size - 1], (unsigned char)(size + t));
          heap::free(block);
          live.pop_back();
        } else {
          const size_t size = skewed_size(random);
          auto* const block = static_cast<unsigned char*>(heap::allocate(size));
          block[0] = block[size - 1] = (unsigned char)(size + t);
          live.emplace_back(block, size);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (unsigned t = 0; t < 4; ++t) {
    for (const auto& [block, size] : handed[t]) {
      ASSERT_EQ(block[size - 1], (unsigned char)(size + t));
      heap::free(block);
    }
  }
  stop = true;
  switcher.join();
  heap::sample::set_mean(Which::profile, 0);
  heap::Statistics after{};
  heap::collect(after);
  for (unsigned c = 1; c < class_count; ++c) {
    EXPECT_EQ(after.classes[c].live, before.classes[c].live) << size_of_class(c);
  }
}

// An empty slab is noticed, as it is without sampling: a thread that sleeps keeps little.
TEST_F(Sampling, what_a_thread_frees_goes_back_while_sampling_is_on) {
  heap::sample::set_mean(Which::guards, heap::sample::largest_mean);
  heap::Statistics before{};
  heap::Statistics after{};
  std::vector<void*> blocks;
  std::thread([&] {
    heap::collect(before);
    for (unsigned i = 0; i < 20'000; ++i) blocks.push_back(heap::allocate(16 + i % 100 * 16));
    for (void* block : blocks) heap::free(block);
    heap::collect(after);
  }).join();
  EXPECT_LE(after.small_free_bytes, before.small_free_bytes + 2 * MiB);
}

TEST_F(Sampling, threads_that_have_finished_are_sampled_too) {
  unsigned samples = 0;
  on_allocation = [&](Allocation&) { ++samples; };
  heap::sample::set_seed(5);
  std::thread([&] {
    heap::finish_thread();
    heap::sample::set_mean(Which::profile, 1 * KiB);
    for (unsigned i = 0; i < 1'000; ++i) heap::free(heap::allocate(512));
    for (unsigned i = 0; i < 10; ++i) heap::free(heap::allocate(1 * MiB));
    heap::sample::set_mean(Which::profile, 0);
  }).join();
  EXPECT_NEAR(samples, 1'000 * chance(512, 1 * KiB) + 10, 70);
}

}  // namespace
