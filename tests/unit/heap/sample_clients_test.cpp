// Clients of the sampling point: each has its share, blocks that one puts in place of others work
// like any, and it is told of the end of large ones.
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "heap/slab.hpp"
#include "heap/state.hpp"
#include "sampling.hpp"

namespace {

using namespace strata;
using namespace strata::sampling_test;

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
