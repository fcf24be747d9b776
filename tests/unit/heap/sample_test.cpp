// The sampling point: every block is sampled with the probability that its size gives it, whatever
// the program does with its blocks; and blocks that a client puts in place of others work like any.
//
// Each pattern runs in fresh threads over many seeds; the samples of each size are compared with
// the binomial distribution they must have. |z| below 4.5 fails once in 150,000 fair comparisons,
// and the seeds are fixed.
#include "heap/sample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "heap/heap.hpp"
#include "heap/slab.hpp"
#include "heap/state.hpp"
#include "heap/statistics.hpp"

namespace {

using namespace strata;
using heap::sample::Allocation;
using heap::sample::Which;

constexpr double most_sigma = 4.5;

std::function<void(Allocation&)> on_allocation;
std::function<bool(void*)> on_free;
std::function<size_t(const void*)> on_usable;

const heap::sample::Client client = {
    [](Allocation& allocation) noexcept {
      if (on_allocation) on_allocation(allocation);
    },
    [](void* pointer) noexcept { return on_free && on_free(pointer); },
    [](const void* pointer) noexcept { return on_usable ? on_usable(pointer) : size_t{0}; },
};

class Sampling : public testing::Test {
 protected:
  void SetUp() override {
    heap::sample::set_client(Which::profile, &client);
    heap::sample::set_client(Which::guards, nullptr);
  }
  void TearDown() override {
    heap::sample::set_mean(Which::profile, 0);
    heap::sample::set_mean(Which::guards, 0);
    on_allocation = nullptr;
    on_free = nullptr;
    on_usable = nullptr;
  }
};

double chance(size_t size, size_t mean) { return 1 - std::exp(-double(size) / double(mean)); }

// What a pattern allocated, by the size that counts.
class Ledger {
 public:
  void* take(size_t size) { return note(heap::allocate(size), size); }
  void* note(void* block, size_t size) {
    ++count_[size <= largest_small ? size_of_class(class_of(size)) : align_up(size, carve_unit)];
    return block;
  }
  void note_bytes(size_t counted) { ++count_[counted]; }
  [[nodiscard]] const std::map<size_t, std::uint64_t>& counts() const { return count_; }

 private:
  std::map<size_t, std::uint64_t> count_;
};

// Runs the pattern in a fresh thread for each seed; compares. The pattern gives back what it takes.
void expect_fair(size_t mean, unsigned seeds,
                 const std::function<void(Ledger&, std::mt19937_64&)>& pattern) {
  Ledger ledger;
  std::map<size_t, std::uint64_t> samples;
  on_allocation = [&](Allocation& allocation) { ++samples[allocation.counted]; };
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    heap::sample::set_seed(seed * 0x9e3779b97f4a7c15ULL);
    std::mt19937_64 random(seed);
    std::thread([&] {
      heap::sample::set_mean(Which::profile, mean);
      pattern(ledger, random);
      heap::sample::set_mean(Which::profile, 0);
    }).join();
  }
  double estimate = 0;
  double real = 0;
  double variance = 0;
  for (const auto& [size, count] : ledger.counts()) {
    const double p = chance(size, mean);
    const double expected = double(count) * p;
    const double sigma = std::sqrt(expected * (1 - p));
    const auto found = double(samples[size]);
    EXPECT_LE(std::abs(found - expected), most_sigma * sigma + 1e-9)
        << "blocks of " << size << ": " << found << " samples of " << count << ", expected "
        << expected << " +- " << sigma;
    estimate += found / p * double(size);
    real += double(count) * double(size);
    variance += double(count) * (1 - p) / p * double(size) * double(size);
  }
  EXPECT_LE(std::abs(estimate - real), most_sigma * std::sqrt(variance) + 1e-9)
      << "estimated " << estimate << " bytes of " << real << " +- " << std::sqrt(variance);
  for (const auto& [size, count] : samples) EXPECT_TRUE(ledger.counts().count(size)) << size;
}

size_t skewed_size(std::mt19937_64& random) {
  const auto dice = random() % 1000;
  if (dice < 900) return 1 + random() % 64;
  if (dice < 985) return 64 + random() % 1000;
  return 5000 + random() % 28000;
}

TEST_F(Sampling, the_exponential_distribution_is_exact) {
  std::mt19937_64 random(1);
  constexpr size_t mean = size_t{1} << 20;
  constexpr unsigned draws = 2'000'000;
  constexpr unsigned bins = 64;
  unsigned count[bins] = {};
  double sum = 0;
  for (unsigned i = 0; i < draws; ++i) {
    const auto x = double(heap::sample::exponential(random(), mean));
    sum += x;
    // Equal chances: where the distribution function says.
    ++count[std::min(bins - 1, unsigned((1 - std::exp(-(x + 0.5) / double(mean))) * bins))];
  }
  EXPECT_NEAR(sum / draws / double(mean), 1, 4.5 / std::sqrt(double(draws)));
  double chi_square = 0;
  for (const unsigned n : count) {
    const double expected = double(draws) / bins;
    chi_square += (n - expected) * (n - expected) / expected;
  }
  EXPECT_LT(chi_square, 63 + 4.5 * std::sqrt(2.0 * 63));
  EXPECT_EQ(heap::sample::exponential(~std::uint64_t{0}, mean), 0U);
  // The longest wait there is: 64 ln 2 means. 31 bits hold it in blocks of a granule.
  EXPECT_LT(heap::sample::exponential(0, heap::sample::largest_mean) / granule_size,
            std::uint64_t{1} << 31);
}

TEST_F(Sampling, skewed_sizes_freed_at_random_are_sampled_fairly) {
  expect_fair(16 * KiB, 60, [](Ledger& ledger, std::mt19937_64& random) {
    std::vector<void*> live;
    for (unsigned i = 0; i < 40'000; ++i) {
      if (live.size() > 500 || (!live.empty() && random() % 2 == 0)) {
        std::swap(live[random() % live.size()], live.back());
        heap::free(live.back());
        live.pop_back();
      } else {
        live.push_back(ledger.take(skewed_size(random)));
      }
    }
    for (void* block : live) heap::free(block);
  });
}

// The hard one for samplers that stand in a slow path: no list ever grows or shrinks.
TEST_F(Sampling, one_block_taken_and_given_back_for_ever_is_sampled_fairly) {
  expect_fair(2 * KiB, 100, [](Ledger& ledger, std::mt19937_64&) {
    for (unsigned i = 0; i < 20'000; ++i) heap::free(ledger.take(48));
  });
}

TEST_F(Sampling, stacks_of_blocks_are_sampled_fairly) {
  expect_fair(8 * KiB, 60, [](Ledger& ledger, std::mt19937_64& random) {
    std::vector<void*> stack;
    for (unsigned i = 0; i < 3'000; ++i) {
      const size_t depth = 1 + random() % 12;
      while (stack.size() < depth) stack.push_back(ledger.take(16 << stack.size() % 5));
      while (!stack.empty()) {
        heap::free(stack.back());
        stack.pop_back();
      }
    }
  });
}

TEST_F(Sampling, a_block_that_comes_and_goes_in_a_full_slab_is_sampled_fairly) {
  expect_fair(4 * KiB, 60, [](Ledger& ledger, std::mt19937_64&) {
    std::vector<void*> filling;
    for (unsigned i = 0; i < 63; ++i) filling.push_back(ledger.take(1024));
    for (unsigned i = 0; i < 5'000; ++i) {
      void* const first = ledger.take(1024);
      heap::free(ledger.take(1024));
      heap::free(first);
    }
    for (void* block : filling) heap::free(block);
  });
}

TEST_F(Sampling, blocks_that_are_never_freed_are_sampled_fairly) {
  expect_fair(64 * KiB, 20, [](Ledger& ledger, std::mt19937_64& random) {
    std::vector<void*> kept;
    for (unsigned i = 0; i < 50'000; ++i) kept.push_back(ledger.take(1 + random() % 300));
    on_free = nullptr;
    for (void* block : kept) heap::free(block);
  });
}

TEST_F(Sampling, zeroed_and_aligned_blocks_are_sampled_fairly) {
  expect_fair(8 * KiB, 40, [](Ledger& ledger, std::mt19937_64& random) {
    for (unsigned i = 0; i < 10'000; ++i) {
      const size_t size = 1 + random() % 200;
      void* const zeroed = ledger.note(heap::allocate_zeroed(size), size);
      for (size_t at = 0; at < size; ++at) ASSERT_EQ(static_cast<char*>(zeroed)[at], 0);
      std::memset(zeroed, 1, size);
      heap::free(zeroed);
      void* const aligned = heap::allocate_aligned(64, size);
      ledger.note(aligned, heap::usable_size(aligned));
      ASSERT_EQ(Address(aligned) % 64, 0U);
      heap::free(aligned);
    }
  });
}

TEST_F(Sampling, blocks_that_another_thread_frees_are_sampled_fairly) {
  expect_fair(4 * KiB, 20, [](Ledger& ledger, std::mt19937_64& random) {
    for (unsigned round = 0; round < 20; ++round) {
      std::vector<void*> blocks;
      for (unsigned i = 0; i < 1'000; ++i) blocks.push_back(ledger.take(16 + random() % 100));
      std::thread([&] {
        for (void* block : blocks) heap::free(block);
      }).join();
    }
  });
}

TEST_F(Sampling, bins_that_are_emptied_before_their_end_are_sampled_fairly) {
  expect_fair(4 * KiB, 40, [](Ledger& ledger, std::mt19937_64& random) {
    for (unsigned round = 0; round < 500; ++round) {
      std::vector<void*> blocks;
      const size_t size = 16 * (1 + random() % 60);  // many classes: more than may be retained
      for (unsigned i = 0; i < 1 + random() % 20; ++i) blocks.push_back(ledger.take(size));
      for (void* block : blocks) heap::free(block);
      if (round % 7 == 0) heap::trim(0);
    }
  });
}

TEST_F(Sampling, large_blocks_are_sampled_fairly) {
  expect_fair(1 * MiB, 40, [](Ledger& ledger, std::mt19937_64& random) {
    for (unsigned i = 0; i < 2'000; ++i) {
      heap::free(ledger.take((40 + 20 * (random() % 4)) * KiB));
      if (i % 10 == 0) heap::free(ledger.take(3 * MiB));
    }
  });
}

TEST_F(Sampling, a_block_that_grows_in_place_is_sampled_by_what_it_grows) {
  expect_fair(64 * KiB, 30, [](Ledger& ledger, std::mt19937_64&) {
    for (unsigned i = 0; i < 300; ++i) {
      void* const block = ledger.take(200 * KiB);
      ASSERT_EQ(heap::reallocate(block, 208 * KiB), block);
      ledger.note_bytes(8 * KiB);
      heap::free(block);
    }
  });
}

TEST_F(Sampling, the_gaps_between_samples_are_geometric) {
  constexpr size_t mean = 4 * KiB;
  constexpr size_t size = 64;
  constexpr unsigned bins = 16;
  unsigned count[bins] = {};
  unsigned samples = 0;
  heap::sample::set_seed(77);
  std::thread([&] {
    std::uint64_t taken = 0;
    std::uint64_t last = 0;
    on_allocation = [&](Allocation&) {
      const auto gap = double(taken - last);  // blocks before the sampled one
      last = taken + 1;
      // Equal chances as near as whole numbers allow; a half makes it right in the mean.
      const double u = 1 - std::exp(-gap * size / mean) * (1 + std::exp(-double(size) / mean)) / 2;
      ++count[std::min(bins - 1, unsigned(u * bins))];
      ++samples;
    };
    heap::sample::set_mean(Which::profile, mean);
    for (unsigned i = 0; i < 6'000'000; ++i) {
      heap::free(heap::allocate(size));
      ++taken;
    }
    heap::sample::set_mean(Which::profile, 0);
  }).join();
  // Exact chances of the cells: by summing the geometric distribution.
  double chances[bins] = {};
  const double p = chance(size, mean);
  double at = p;
  for (unsigned gap = 0; gap < 5'000; ++gap, at *= 1 - p) {
    const double u =
        1 - std::exp(-double(gap) * size / mean) * (1 + std::exp(-double(size) / mean)) / 2;
    chances[std::min(bins - 1, unsigned(u * bins))] += at;
  }
  double chi_square = 0;
  for (unsigned i = 0; i < bins; ++i) {
    const double expected = samples * chances[i];
    chi_square += (count[i] - expected) * (count[i] - expected) / expected;
  }
  EXPECT_GT(samples, 80'000U);
  EXPECT_LT(chi_square, 15 + 4.5 * std::sqrt(2.0 * 15));
}

TEST_F(Sampling, switching_on_and_off_reaches_threads_that_run) {
  std::atomic<bool> stop = false;
  std::atomic<unsigned> samples = 0;
  on_allocation = [&](Allocation&) { ++samples; };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
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
    // What had met its sample already may still be shown.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const unsigned after = samples;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(samples, after);
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

TEST_F(Sampling, two_clients_get_their_own_share_each) {
  static std::uint64_t guarded;
  guarded = 0;
  static const heap::sample::Client guards = {[](Allocation& allocation) noexcept {
                                                EXPECT_EQ(allocation.client_mean, 64 * KiB);
                                                ++guarded;
                                              },
                                              nullptr, nullptr};
  heap::sample::set_client(Which::guards, &guards);
  std::uint64_t profiled = 0;
  on_allocation = [&](Allocation& allocation) {
    EXPECT_EQ(allocation.client_mean, 16 * KiB);
    EXPECT_EQ(allocation.mean, 16 * KiB);
    ++profiled;
  };
  constexpr unsigned blocks = 400'000;
  constexpr size_t size = 4 * KiB;
  heap::sample::set_seed(9);
  std::thread([] {
    heap::sample::set_mean(Which::guards, 64 * KiB);
    heap::sample::set_mean(Which::profile, 16 * KiB);
    for (unsigned i = 0; i < blocks; ++i) heap::free(heap::allocate(size));
    heap::sample::set_mean(Which::profile, 0);
    heap::sample::set_mean(Which::guards, 0);
  }).join();
  const double p = chance(size, 16 * KiB);
  for (const auto& [found, share] : {std::pair(profiled, 1.0), std::pair(guarded, 0.25)}) {
    const double expected = blocks * p * share;
    EXPECT_NEAR(double(found), expected, most_sigma * std::sqrt(expected));
  }
}

// Replacements ------------------------------------------------------------------------------------

// Puts blocks of its own, in slots of the kind `sampled` and outside of all ranges, in place of
// sampled ones.
class Replacing : public Sampling {
 protected:
  static constexpr size_t most = 256;
  void SetUp() override {
    Sampling::SetUp();
    slot_ = slot_supply.take(1);
    slab::format(slot_, 1, class_of(block_size), 0);
    slot_->set_kind(SlotKind::sampled);
    outside_ = Machine::reserve(most * block_size, Machine::page_size());
    Machine::commit(outside_, most * block_size);
    on_allocation = [this](Allocation& allocation) {
      if (allocation.large || next_ + 1 >= 2 * slot_->capacity()) return;
      const size_t i = next_++;
      const Address base = i % 2 == 0 ? heap::address_of(slot_) : outside_;
      heap::free(allocation.block);
      allocation.block = reinterpret_cast<void*>(base + i / 2 * block_size);
      std::memset(allocation.block, allocation.zeroed ? 0 : 0xee, block_size);
      live_.insert(allocation.block);
    };
    on_free = [this](void* pointer) { return live_.erase(pointer) != 0; };
    on_usable = [this](const void* pointer) {
      return live_.count(const_cast<void*>(pointer)) != 0 ? block_size : 0;
    };
    heap::sample::set_mean(Which::profile, 1);  // every allocation
  }
  void TearDown() override {
    Sampling::TearDown();
    heap::release_slab(slot_);
    Machine::release(outside_, most * block_size);
  }

  static constexpr size_t block_size = 512;
  Slot* slot_ = nullptr;
  Address outside_ = 0;
  size_t next_ = 0;
  std::set<void*> live_;
};

TEST_F(Replacing, blocks_of_a_client_are_freed_by_it) {
  // In a fresh thread, where every bin is empty.
  std::thread([&] {
    std::vector<void*> blocks;
    for (unsigned i = 0; i < 100; ++i) blocks.push_back(heap::allocate(500));
    EXPECT_EQ(live_.size(), 100U);
    for (void* block : blocks) EXPECT_TRUE(live_.count(block));
    for (void* block : blocks) heap::free(block);
    EXPECT_TRUE(live_.empty());
  }).join();
}

TEST_F(Replacing, blocks_of_a_client_are_usable_and_moved_by_realloc) {
  std::thread([&] {
    for (const bool outside : {false, true}) {
      auto* const block = static_cast<char*>(heap::allocate_zeroed(300));
      ASSERT_TRUE(live_.count(block)) << outside;
      for (unsigned i = 0; i < 300; ++i) ASSERT_EQ(block[i], 0);
      EXPECT_EQ(heap::usable_size(block), block_size);
      std::memset(block, 7, 300);
      heap::sample::set_mean(Which::profile, 0);
      auto* const moved = static_cast<char*>(heap::reallocate(block, 3'000));
      heap::sample::set_mean(Which::profile, 1);
      EXPECT_TRUE(live_.empty());
      for (unsigned i = 0; i < 300; ++i) ASSERT_EQ(moved[i], 7);
      heap::free(moved);
    }
  }).join();
}

TEST_F(Replacing, what_a_client_does_not_know_is_reported) {
  void* block = nullptr;
  std::thread([&] { block = heap::allocate(500); }).join();
  ASSERT_TRUE(live_.count(block));
  EXPECT_DEATH(
      {
        live_.clear();
        heap::free(static_cast<char*>(block) + 16);
      },
      "not a block: 16 bytes inside a 512-byte block");
  heap::free(block);
}

TEST_F(Sampling, the_end_of_a_sampled_large_block_is_told) {
  std::set<void*> live;
  on_allocation = [&](Allocation& allocation) {
    EXPECT_TRUE(allocation.large);
    if (!allocation.grown) live.insert(allocation.block);
  };
  on_free = [&](void* pointer) {
    EXPECT_EQ(live.erase(pointer), 1U);
    return false;
  };
  heap::sample::set_mean(Which::profile, 1);
  for (const size_t size : {100 * KiB, 3 * MiB, 2 * GiB}) {
    void* block = heap::allocate(size);
    EXPECT_EQ(live, std::set<void*>{block});
    block = heap::reallocate(block, size + size / 2);
    EXPECT_EQ(live, std::set<void*>{block});
    block = heap::reallocate(block, 9 * size);
    EXPECT_EQ(live, std::set<void*>{block});
    block = heap::reallocate(block, 50 * KiB);
    EXPECT_EQ(live, std::set<void*>{block});
    heap::free(block);
    EXPECT_TRUE(live.empty());
  }
}

}  // namespace
