// falloc: the next bytes at the end; its blocks are blocks like any other.
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "heap/heap.hpp"
#include "heap/state.hpp"
#include "heap/statistics.hpp"

namespace {

using namespace strata;

heap::Statistics collected() {
  heap::Statistics statistics{};
  heap::collect(statistics);
  return statistics;
}

// Each test begins where nothing was cut yet.
class Falloc : public testing::Test {
 protected:
  void SetUp() override {
    testing::FLAGS_gtest_death_test_style = "fast";
    heap::thread_heap();
    heap::close_strip(*thread_cache.heap);
  }
  void TearDown() override {
    heap::close_strip(*thread_cache.heap);
    EXPECT_EQ(collected().strips, 0U) << "a strip without blocks was not given back";
  }
};

TEST_F(Falloc, blocks_of_any_sizes_lie_one_behind_the_other) {
  std::vector<char*> blocks;
  size_t expected = 0;
  for (const size_t size : {1U, 16U, 17U, 0U, 4000U, 100U, 30000U, 48U}) {
    auto* const block = static_cast<char*>(heap::falloc(size));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(Address(block) % granule_size, 0U);
    EXPECT_EQ(block, (blocks.empty() ? block : blocks[0]) + expected) << size;
    expected += align_up(size == 0 ? 1 : size, granule_size);
    std::memset(block, 1, size);
    blocks.push_back(block);
  }
  for (char* block : blocks) heap::free(block);
}

TEST_F(Falloc, what_is_freed_is_not_cut_again_before_the_strip_ends) {
  void* const a = heap::falloc(100);
  heap::free(a);
  void* const b = heap::falloc(100);
  EXPECT_EQ(static_cast<char*>(b), static_cast<char*>(a) + 112);
  heap::free(b);
}

TEST_F(Falloc, blocks_are_found_by_usable_size_and_realloc) {
  void* const a = heap::falloc(100);
  void* const b = heap::falloc(40);
  EXPECT_EQ(heap::usable_size(a), 112U);
  EXPECT_EQ(heap::usable_size(b), 48U);
  std::memset(a, 7, 112);
  EXPECT_EQ(heap::reallocate(a, 60), a);
  EXPECT_EQ(heap::reallocate(a, 112), a);
  auto* const moved = static_cast<char*>(heap::reallocate(a, 5000));
  ASSERT_NE(moved, a);
  for (int i = 0; i < 112; ++i) ASSERT_EQ(moved[i], 7);
  heap::free(moved);
  heap::free(b);
}

TEST_F(Falloc, a_full_strip_is_followed_by_another_and_goes_back_with_its_last_block) {
  std::vector<void*> blocks;
  for (int i = 0; i < 10000; ++i) {
    blocks.push_back(heap::falloc(200));
    std::memset(blocks.back(), i, 200);
  }
  const size_t per_strip = slot_size / 208;
  EXPECT_EQ(collected().strips, divide_up(10000, per_strip));
  EXPECT_EQ(collected().strip_live_bytes, 10000U * 208);
  for (int i = 0; i < 10000; ++i) {
    ASSERT_EQ(static_cast<unsigned char*>(blocks[size_t(i)])[199], static_cast<unsigned char>(i));
  }
  for (size_t i = 1; i < per_strip; ++i) heap::free(blocks[i]);
  EXPECT_EQ(collected().strips, divide_up(10000, per_strip));
  heap::free(blocks[0]);
  EXPECT_EQ(collected().strips, divide_up(10000, per_strip) - 1);
  for (size_t i = per_strip; i < 10000; ++i) heap::free(blocks[i]);
  EXPECT_EQ(collected().strip_live_bytes, 0U);
}

TEST_F(Falloc, large_requests_are_served_like_mallocs) {
  for (const size_t size : {32769U, 100000U, 10000000U}) {
    void* const block = heap::falloc(size);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(heap::usable_size(block), size);
    heap::free(block);
  }
  EXPECT_EQ(heap::falloc(~size_t{0}), nullptr);
  EXPECT_EQ(heap::falloc(~size_t{0} - 20), nullptr);
  EXPECT_EQ(collected().strips, 0U);
}

TEST_F(Falloc, pages_go_back_to_the_system_with_the_strip) {
  heap::trim(0);
  std::vector<void*> blocks;
  for (int i = 0; i < 256; ++i) blocks.push_back(std::memset(heap::falloc(16384), 1, 16384));
  for (void* block : blocks) heap::free(block);
  EXPECT_GE(heap::trim(0), 256U * 16384);
}

TEST_F(Falloc, trim_lets_an_empty_strip_go_and_keeps_one_in_use) {
  void* const block = heap::falloc(10);
  heap::trim(0);
  EXPECT_EQ(collected().strips, 1U);
  heap::free(block);
  EXPECT_EQ(collected().strips, 1U);
  heap::trim(0);
  EXPECT_EQ(collected().strips, 0U);
}

TEST_F(Falloc, a_strip_of_an_ended_thread_goes_back_with_its_last_block) {
  std::vector<void*> blocks;
  std::thread([&] {
    for (int i = 0; i < 10; ++i) blocks.push_back(heap::falloc(1000));
    heap::free(blocks[9]);
    blocks.pop_back();
    heap::finish_thread();
    // Afterwards there is no strip, and blocks come from the heap.
    void* const late = heap::falloc(100);
    ASSERT_NE(late, nullptr);
    heap::free(late);
  }).join();
  EXPECT_EQ(collected().strips, 1U);
  EXPECT_EQ(collected().strip_live_bytes, 9U * 1008);
  for (void* block : blocks) heap::free(block);
  EXPECT_EQ(collected().strips, 0U);
}

TEST_F(Falloc, small_statistics_include_strips) {
  const size_t live = collected().small_live_bytes;
  void* const block = heap::falloc(1000);
  EXPECT_EQ(collected().small_live_bytes - live, 1008U);
  heap::free(block);
  EXPECT_EQ(collected().small_live_bytes, live);
}

TEST_F(Falloc, blocks_freed_by_other_threads_while_the_owner_cuts_are_all_counted) {
  constexpr int rounds = 200;
  constexpr int blocks_a_round = 500;
  std::vector<void*> blocks[2];
  std::thread helper;
  std::mt19937 random(5);
  for (int round = 0; round < rounds; ++round) {
    std::vector<void*>& mine = blocks[round % 2];
    mine.clear();
    for (int i = 0; i < blocks_a_round; ++i) {
      const size_t size = 1 + random() % 400;
      auto* const block = static_cast<unsigned char*>(heap::falloc(size));
      block[0] = block[size - 1] = static_cast<unsigned char>(round);
      mine.push_back(block);
    }
    if (helper.joinable()) helper.join();
    helper = std::thread([&mine, round] {
      for (void* block : mine) {
        ASSERT_EQ(*static_cast<unsigned char*>(block), static_cast<unsigned char>(round));
        heap::free(block);
      }
    });
  }
  helper.join();
  EXPECT_EQ(collected().strip_live_bytes, 0U);
}

#define EXPECT_REPORT(statement, pattern) \
  EXPECT_EXIT(statement, testing::KilledBySignal(SIGABRT), pattern)

template <class T>
T* laundered(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

TEST_F(Falloc, misuse_of_its_blocks_is_reported) {
  EXPECT_REPORT(
      {
        void* const block = laundered(heap::falloc(40));
        heap::free(block);
        heap::free(block);
      },
      "^strata: error: double free of 0x[0-9a-f]+ \\(48-byte block, freed before\\)\n$");
  EXPECT_REPORT(
      {
        auto* const block = static_cast<char*>(heap::falloc(100));
        heap::free(laundered(block + 16));
      },
      "^strata: error: invalid free of 0x[0-9a-f]+ "
      "\\(not a block: 16 bytes inside a 112-byte block at 0x[0-9a-f]+\\)\n$");
  EXPECT_REPORT(
      {
        auto* const block = static_cast<char*>(heap::falloc(100));
        heap::free(laundered(block + 112));
      },
      "\\(not a block: nothing was allocated there\\)\n$");
  EXPECT_REPORT(
      {
        void* const block = laundered(heap::falloc(40));
        heap::free(block);
        heap::usable_size(block);
      },
      "^strata: error: invalid pointer 0x[0-9a-f]+ \\(48-byte block, freed before\\)\n$");
}

}  // namespace
