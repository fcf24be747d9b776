// Statistics are exact in a program of one thread.
#include "heap/statistics.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "heap/heap.hpp"

namespace {

using namespace strata;

heap::Statistics collected() {
  heap::Statistics statistics{};
  heap::collect(statistics);
  return statistics;
}

TEST(Statistics, every_small_block_is_counted_in_its_class) {
  const heap::Statistics before = collected();
  std::vector<void*> blocks;
  for (unsigned c = 1; c < class_count; ++c) {
    for (unsigned i = 0; i < c; ++i) blocks.push_back(heap::allocate(size_of_class(c)));
  }
  heap::Statistics now = collected();
  size_t bytes = 0;
  for (unsigned c = 1; c < class_count; ++c) {
    EXPECT_EQ(now.classes[c].live - before.classes[c].live, c);
    EXPECT_GE(now.classes[c].slabs * size_classes.classes[c].slots * slot_size,
              now.classes[c].live * size_of_class(c));
    EXPECT_GE(now.classes[c].resident, now.classes[c].live * size_of_class(c));
    bytes += c * size_of_class(c);
  }
  EXPECT_EQ(now.small_live_bytes - before.small_live_bytes, bytes);
  for (void* block : blocks) heap::free(block);
  now = collected();
  EXPECT_EQ(now.small_live_bytes, before.small_live_bytes);
  for (unsigned c = 1; c < class_count; ++c) {
    EXPECT_EQ(now.classes[c].live, before.classes[c].live) << c;
  }
}

TEST(Statistics, large_and_huge_blocks_are_counted_by_their_usable_bytes) {
  const heap::Statistics before = collected();
  void* const a = heap::allocate(33 * KiB);
  void* const b = heap::allocate(300 * KiB + 1);
  void* const c = heap::allocate(3 * GiB);
  ASSERT_NE(c, nullptr);
  heap::Statistics now = collected();
  EXPECT_EQ(now.large_blocks - before.large_blocks, 2U);
  EXPECT_EQ(now.large_bytes - before.large_bytes, heap::usable_size(a) + heap::usable_size(b));
  EXPECT_EQ(now.huge_blocks - before.huge_blocks, 1U);
  EXPECT_EQ(now.huge_bytes - before.huge_bytes, heap::usable_size(c));
  heap::free(a);
  heap::free(b);
  heap::free(c);
  now = collected();
  EXPECT_EQ(now.large_blocks, before.large_blocks);
  EXPECT_EQ(now.large_bytes, before.large_bytes);
  EXPECT_EQ(now.huge_bytes, before.huge_bytes);
  EXPECT_EQ(now.live_bytes(), before.live_bytes());
}

TEST(Statistics, carved_blocks_are_live_or_free) {
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(heap::allocate(64));
  for (size_t i = 0; i < blocks.size(); i += 2) heap::free(blocks[i]);
  const heap::ClassStatistics entry = collected().classes[class_of(64)];
  EXPECT_EQ(entry.live, 500U);
  EXPECT_EQ(entry.live + entry.free, entry.resident / 64);
  for (size_t i = 1; i < blocks.size(); i += 2) heap::free(blocks[i]);
}

TEST(Statistics, purged_bytes_and_calls_add_up) {
  void* const block = heap::allocate(1 * MiB);
  std::memset(block, 1, 1 * MiB);
  heap::free(block);
  const heap::Statistics before = collected();
  const size_t given = heap::trim(0);
  const heap::Statistics after = collected();
  EXPECT_GE(after.purged_bytes - before.purged_bytes, given);  // the worker may purge as well
  EXPECT_GE(given, 1 * MiB);
  EXPECT_GT(after.purges, before.purges);
}

TEST(Statistics, only_what_has_been_touched_is_dirty) {
  heap::trim(0);
  void* const block = heap::allocate(33 * KiB);
  heap::free(block);
  EXPECT_EQ(collected().dirty_bytes, 36 * KiB);
}

}  // namespace
