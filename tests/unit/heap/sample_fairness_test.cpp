// Every block is sampled with the probability that its size gives it, whatever the program does.
//
// Each pattern runs in fresh threads over many seeds; the samples of each size are compared with
// the binomial distribution they must have.
#include <algorithm>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include "heap/slab.hpp"
#include "heap/state.hpp"
#include "sampling.hpp"

namespace {

using namespace strata;
using namespace strata::sampling_test;

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

}  // namespace
