// Many threads that allocate, hand blocks to one another, free what others allocated, and come and
// go: contents stay, and at the end nothing is live and nothing stranded. ThreadSanitizer's main
// course: every reuse of a block must happen after its last use, through the allocator's own
// atomics.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "heap/heap.hpp"
#include "heap/state.hpp"
#include "heap/statistics.hpp"

// Statistics look at what threads are changing, and say so (heap/statistics.hpp). The history must
// be long, or else a stack that cannot be restored hides that it is theirs.
extern "C" [[gnu::visibility("default")]] const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:strata::heap::collect\n"; }
extern "C" [[gnu::visibility("default")]] const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "history_size=7"; }

namespace {

using namespace strata;

#ifdef __SANITIZE_THREAD__
constexpr int effort = 1;
#else
constexpr int effort = 8;
#endif

struct Random {
  std::uint64_t state;
  std::uint32_t operator()() {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return std::uint32_t(state >> 33);
  }
};

struct Item {
  unsigned char* block = nullptr;
  size_t size = 0;
  unsigned char pattern = 0;
};

std::atomic<int> damaged{0};

Item make(Random& random) {
  // Mostly small; some large; few classes, so that threads meet in their pools.
  static constexpr size_t sizes[] = {16,   48,   48,   96,    256,   256,
                                     1024, 1536, 5000, 32768, 40000, 150000};
  const size_t size = sizes[random() % (random() % 8 == 0 ? 12 : 9)];
  const auto pattern = static_cast<unsigned char>(1 + random() % 255);
  unsigned char* block = nullptr;
  if (random() % 4 == 0) {
    block = static_cast<unsigned char*>(heap::allocate_zeroed(size));
    for (size_t i = 0; i < size; i += 61) damaged += block[i] != 0 ? 1 : 0;
  } else {
    block = static_cast<unsigned char*>(heap::allocate(size));
  }
  for (size_t i = 0; i < size; i += 8) block[i] = pattern;
  return {block, size, pattern};
}

void check(const Item& item) {
  for (size_t i = 0; i < item.size; i += 8) {
    if (item.block[i] != item.pattern) {
      ++damaged;
      return;
    }
  }
}

void destroy(const Item& item) {
  check(item);
  heap::free(item.block);
}

// Blocks on their way from thread to thread.
class Exchange {
 public:
  // Puts an item in, and takes a random other one out.
  Item swap(const Item& item, Random& random) {
    std::lock_guard guard(mutex_);
    const size_t index = random() % items_.size();
    return std::exchange(items_[index], item);
  }
  void empty() {
    for (Item& item : items_) {
      if (item.block != nullptr) destroy(item);
      item = {};
    }
  }

 private:
  std::mutex mutex_;
  std::vector<Item> items_ = std::vector<Item>(2000);
};

void expect_nothing_left() {
  EXPECT_EQ(damaged, 0);
  heap::trim(0);
  heap::Statistics statistics{};
  heap::collect(statistics);
  for (unsigned c = 1; c < class_count; ++c) EXPECT_EQ(statistics.classes[c].live, 0U) << c;
  EXPECT_EQ(statistics.large_blocks, 0U);
  EXPECT_EQ(statistics.threads, thread_cache.heap != nullptr ? 1U : 0U);
  size_t slabs = 0;
  for (unsigned c = 1; c < class_count; ++c) slabs += statistics.classes[c].slabs;
  size_t late = 0;  // finished threads share one slab of each class they used
  for (unsigned c = 1; c < class_count; ++c) late += heap::late.heap.active[c] != nullptr;
  EXPECT_LE(slabs, late) << "slabs without a live block are stranded";
  EXPECT_TRUE(slot_supply.check());
}

class SharingStress : public testing::Test {
 protected:
  void SetUp() override {
    damaged = 0;
    range_settings.dirty_limit = 1 * MiB;
    range_settings.purge_delay = 5;
#ifdef __SANITIZE_THREAD__
    range_settings.reserve = 8 * GiB;  // ThreadSanitizer has no room for more
    range_settings.worker = false;     // nor does it know of threads made without libc
#endif
  }
};

TEST_F(SharingStress, blocks_wander_between_threads) {
  Exchange exchange;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Random random{t + 1};
      for (int i = 0; i < 30000 * effort; ++i) {
        const Item other = exchange.swap(make(random), random);
        if (other.block != nullptr) destroy(other);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  exchange.empty();
  expect_nothing_left();
}

TEST_F(SharingStress, threads_come_and_go_and_leave_blocks_behind) {
  Exchange exchange;
  for (int round = 0; round < 25 * effort; ++round) {
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        Random random{unsigned(round) * 10 + t};
        std::vector<Item> own;
        for (int i = 0; i < 600; ++i) {
          own.push_back(make(random));
          if (random() % 2 == 0) {
            const Item other = exchange.swap(own.back(), random);
            own.pop_back();
            if (other.block != nullptr) destroy(other);
          }
          if (own.size() > 100) {
            for (const Item& item : own) destroy(item);
            own.clear();
          }
        }
        if (random() % 3 == 0) heap::finish_thread();  // and goes on as a finished one
        for (const Item& item : own) destroy(item);
        const Item last = exchange.swap(make(random), random);
        if (last.block != nullptr) destroy(last);
      });
    }
    for (auto& thread : threads) thread.join();
  }
  exchange.empty();
  // The slabs that finished threads share stay with them, so only blocks are counted.
  EXPECT_EQ(damaged, 0);
  heap::Statistics statistics{};
  heap::collect(statistics);
  EXPECT_EQ(statistics.live_bytes(), 0U);
}

TEST_F(SharingStress, one_produces_and_others_free) {
  for (int round = 0; round < 4; ++round) {
    std::vector<Item> items;
    Random random{unsigned(round) + 77};
    std::thread([&] {
      for (int i = 0; i < 3000 * effort; ++i) items.push_back(make(random));
    }).join();
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = t; i < items.size(); i += 3) destroy(items[i]);
      });
    }
    for (auto& thread : threads) thread.join();
  }
  expect_nothing_left();
}

TEST_F(SharingStress, an_owner_allocates_while_others_free_into_its_slab) {
  // One class, one slab at a time: the shared word is contended all the time.
  std::mutex mutex;
  std::vector<void*> ready;
  std::atomic<bool> stop{false};
  std::vector<std::thread> freers;
  for (int t = 0; t < 3; ++t) {
    freers.emplace_back([&] {
      std::vector<void*> mine;
      while (!stop || !mine.empty()) {
        for (void* block : mine) heap::free(block);
        mine.clear();
        std::lock_guard guard(mutex);
        while (!ready.empty() && mine.size() < 7) {
          mine.push_back(ready.back());
          ready.pop_back();
        }
      }
    });
  }
  for (int i = 0; i < 30000 * effort; ++i) {
    void* const block = heap::allocate(1024);
    std::memset(block, i, 1024);
    std::lock_guard guard(mutex);
    ready.push_back(block);
  }
  stop = true;
  for (auto& thread : freers) thread.join();
  for (void* block : ready) heap::free(block);
  expect_nothing_left();
}

TEST_F(SharingStress, statistics_and_trim_run_beside_everything) {
  Exchange exchange;
  std::atomic<bool> stop{false};
  std::thread watcher([&] {
    while (!stop) {
      heap::Statistics statistics{};
      heap::collect(statistics);
      heap::trim(256 * KiB);
    }
  });
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      Random random{t + 100};
      for (int i = 0; i < 6000 * effort; ++i) {
        const Item other = exchange.swap(make(random), random);
        if (other.block != nullptr) destroy(other);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  stop = true;
  watcher.join();
  exchange.empty();
  expect_nothing_left();
}

}  // namespace
