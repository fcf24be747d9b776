// The worker of background frees: nothing that was freed stagnates, whoever is late or missing.
#include "region/region_worker.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "platform/linux/linux_thread.hpp"
#include "strata/region.hpp"

namespace strata::testing {
namespace {

constexpr std::size_t queue = 64;
alignas(64) char memory[1 << 20];

struct Policy : DefaultPolicy {
  using Freeing = freeing::Background<queue, FutexBell>;
  using Lock = SpinLock;
};

template <class R>
std::size_t saved(R& region) {
  return region.statistics().saved_bytes;
}
template <class R>
std::vector<void*> taken(R& region, std::size_t count) {
  std::vector<void*> blocks(count);
  for (void*& block : blocks) block = region.allocate(100);
  return blocks;
}

template <class Condition>
bool becomes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TEST(RegionWorker, gives_back_what_was_freed_though_nobody_calls_any_more) {
  Region<Policy> region(memory, sizeof memory);
  RegionWorker<Region<Policy>, LinuxThread> worker(region);
  ASSERT_TRUE(worker.start());
  for (int round = 0; round < 20; ++round) {
    for (void* block : taken(region, 10)) region.free(block);
    EXPECT_TRUE(becomes_true([&] { return saved(region) == 0; })) << "round " << round;
  }
  EXPECT_EQ(region.statistics().used_bytes, 0U);
}

TEST(RegionWorker, finds_what_was_freed_before_it_started) {
  Region<Policy> region(memory, sizeof memory);
  for (void* block : taken(region, 10)) region.free(block);
  EXPECT_GT(saved(region), 0U);
  RegionWorker<Region<Policy>, LinuxThread> worker(region);
  ASSERT_TRUE(worker.start());
  EXPECT_TRUE(becomes_true([&] { return saved(region) == 0; }));
}

TEST(RegionWorker, leaves_nothing_behind_when_it_stops_and_can_be_started_again) {
  Region<Policy> region(memory, sizeof memory);
  RegionWorker<Region<Policy>, LinuxThread> worker(region, 100000);  // it would pause for long
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(worker.start());
    for (void* block : taken(region, 10)) region.free(block);
    worker.stop();
    EXPECT_EQ(saved(region), 0U);
  }
}

TEST(RegionWorker, a_half_full_queue_ends_the_pause) {
  Region<Policy> region(memory, sizeof memory);
  RegionWorker<Region<Policy>, LinuxThread> worker(region, 100000);
  ASSERT_TRUE(worker.start());
  for (void* block : taken(region, queue / 2)) region.free(block);
  EXPECT_TRUE(becomes_true([&] { return saved(region) == 0; }));
}

TEST(RegionWorker, works_from_the_oldest_block_on) {
  struct Silent : DefaultPolicy {
    using Freeing = freeing::Background<queue>;
  };
  Region<Silent> region(memory, sizeof memory);
  const std::vector<void*> blocks = taken(region, 20);
  for (std::size_t i = 0; i < 20; i += 2) region.free(blocks[i]);
  EXPECT_EQ(region.work(3), 7U);
  std::vector<const void*> waiting;
  region.walk([&](const RegionBlock& block) {
    if (block.state == BlockState::saved) waiting.push_back(block.payload);
  });
  ASSERT_EQ(waiting.size(), 7U);
  EXPECT_EQ(waiting.front(), blocks[6]);
}

// A platform that the test plays: the bell does the next step of a story whenever it is waited for.
struct StoryBell {
  std::vector<std::function<void()>> steps;
  std::size_t step = 0;
  std::vector<std::uint32_t> waits;  // how long the worker meant to sleep
  int rings = 0;
  void ring() noexcept { ++rings; }
  void wait(std::uint32_t milliseconds) noexcept {
    waits.push_back(milliseconds);
    if (step < steps.size()) steps[step++]();
  }
  void yield() noexcept {}
};
struct StoryThread {
  bool grants = true;
  void (*body)(void*) noexcept = nullptr;
  void* argument = nullptr;
  bool start(void (*what)(void*) noexcept, void* with) noexcept {
    body = what;
    argument = with;
    return grants;
  }
  void join() noexcept {}
};
struct StoryPolicy : DefaultPolicy {
  using Freeing = freeing::Background<queue, StoryBell>;
  using Lock = SpinLock;
};
using StoryRegion = Region<StoryPolicy>;
using StoryWorker = RegionWorker<StoryRegion, StoryThread>;

TEST(RegionWorker, sleeps_without_limit_while_nothing_is_saved_and_pauses_before_it_works) {
  StoryRegion region(memory, sizeof memory);
  StoryWorker worker(region, 7);
  ASSERT_TRUE(worker.start());
  StoryBell& bell = region.freeing_policy().bell;
  std::size_t during_pause = 0;
  bell.steps = {
      [&] {
        for (void* block : taken(region, 3)) region.free(block);
      },
      [&] {  // some more gather in the pause
        for (void* block : taken(region, 3)) region.free(block);
        during_pause = saved(region);
      },
      [&] {
        EXPECT_EQ(saved(region), 0U);
        worker.stop();
      },
  };
  worker.thread().body(worker.thread().argument);
  EXPECT_GT(during_pause, 0U);
  EXPECT_EQ(bell.waits, (std::vector<std::uint32_t>{0, 7, 0}));
}

TEST(RegionWorker, a_queue_that_filled_before_the_worker_was_awake_is_not_left_for_a_pause) {
  StoryRegion region(memory, sizeof memory);
  StoryWorker worker(region, 7);
  ASSERT_TRUE(worker.start());
  StoryBell& bell = region.freeing_policy().bell;
  bell.steps = {
      [&] {
        for (void* block : taken(region, queue / 2)) region.free(block);
      },
      [&] { worker.stop(); },
  };
  worker.thread().body(worker.thread().argument);
  EXPECT_EQ(bell.waits, (std::vector<std::uint32_t>{0, 0}));
}

TEST(RegionWorker, the_first_block_and_a_half_full_queue_ring_and_others_do_not) {
  StoryRegion region(memory, sizeof memory);
  const std::vector<void*> blocks = taken(region, queue);
  StoryBell& bell = region.freeing_policy().bell;
  for (std::size_t i = 0; i < queue; ++i) {
    region.free(blocks[i]);
    EXPECT_EQ(bell.rings, i + 1 < queue / 2 ? 1 : 2) << i;
  }
}

TEST(RegionWorker, a_worker_that_never_comes_bounds_the_queue) {
  StoryRegion region(memory, sizeof memory);
  StoryWorker worker(region);
  ASSERT_TRUE(worker.start());
  const std::size_t block_bytes = 112;
  for (int i = 0; i < 10000; ++i) {
    region.free(region.allocate(100));
    ASSERT_LE(saved(region), queue * block_bytes);
  }
  // And no block waits for ever: each is back before as many as the queue holds came behind it.
  void* const watched = region.allocate(5000);
  const std::vector<void*> later = taken(region, 2 * queue);
  region.free(watched);
  std::size_t waited = 0;
  for (void* block : later) {
    bool waits = false;
    region.walk([&](const RegionBlock& b) {
      waits |= b.payload == watched && b.state == BlockState::saved;
    });
    waited += waits ? 1 : 0;
    region.free(block);
  }
  EXPECT_LE(waited, queue);
}

TEST(RegionWorker, a_refused_thread_is_told_and_the_region_works_without) {
  StoryRegion region(memory, sizeof memory);
  StoryWorker worker(region);
  worker.thread().grants = false;
  EXPECT_FALSE(worker.start());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(region.free(region.allocate(3000)), RegionError::none);
  worker.stop();
  region.settle();
  EXPECT_EQ(region.statistics().used_bytes, 0U);
}

TEST(RegionWorker, many_threads_free_while_it_works) {
  Region<Policy> region(memory, sizeof memory);
  {
    RegionWorker<Region<Policy>, LinuxThread> worker(region);
    ASSERT_TRUE(worker.start());
    const auto program = [&region](unsigned seed) {
      std::uint32_t* mine[32] = {};
      for (int i = 0; i < 20000; ++i) {
        seed = seed * 1103515245U + 12345U;
        std::uint32_t*& block = mine[(seed >> 16) % 32];
        if (block != nullptr) {
          EXPECT_EQ(block[0], block[1]);
          EXPECT_EQ(region.free(block), RegionError::none);
          block = nullptr;
        } else {
          block = static_cast<std::uint32_t*>(region.allocate(8 + (seed >> 20) % 1000));
          if (block != nullptr) block[0] = block[1] = seed;
        }
        if (i % 5000 == 0) {
          EXPECT_TRUE(region.check());
        }
      }
      for (auto* block : mine) region.free(block);
    };
    std::thread a(program, 1);
    std::thread b(program, 2);
    std::thread c(program, 3);
    a.join();
    b.join();
    c.join();
    EXPECT_TRUE(becomes_true([&] { return saved(region) == 0; }));
  }
  EXPECT_TRUE(region.check());
  EXPECT_EQ(region.statistics().used_blocks, 0U);
}

}  // namespace
}  // namespace strata::testing
