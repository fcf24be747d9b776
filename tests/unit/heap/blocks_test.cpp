// Blocks of every size through the heap's C++ interface, in one thread.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

#include "heap/heap.hpp"
#include "heap/statistics.hpp"

namespace {

using namespace strata;

bool all_bytes(const void* block, size_t size, unsigned char value) {
  const auto* const bytes = static_cast<const unsigned char*>(block);
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] != value) return false;
  }
  return true;
}

// Sizes around every boundary there is: classes, slots, runs, mappings.
std::vector<size_t> telling_sizes() {
  std::vector<size_t> sizes = {0, 1};
  for (unsigned c = 1; c < class_count; ++c) {
    sizes.push_back(size_of_class(c));
    sizes.push_back(size_of_class(c) + 1);
  }
  for (const size_t size : {64 * KiB, 128 * KiB, 256 * KiB, 1 * MiB, 5 * MiB, 64 * MiB}) {
    sizes.insert(sizes.end(), {size - 4096, size - 1, size, size + 1, size + 4097});
  }
  return sizes;
}

TEST(Blocks, every_size_is_served_aligned_and_usable_to_its_end) {
  for (const size_t size : telling_sizes()) {
    void* const block = heap::allocate(size);
    ASSERT_NE(block, nullptr) << size;
    ASSERT_EQ(Address(block) % granule_size, 0U) << size;
    const size_t usable = heap::usable_size(block);
    ASSERT_GE(usable, size);
    if (usable == 0) {
      ASSERT_EQ(size, 0U);
      heap::free(block);
      continue;
    }
    auto* const bytes = static_cast<unsigned char*>(block);
    bytes[0] = bytes[usable - 1] = 1;
    if (size < 1 * MiB) std::memset(block, 0xab, usable);
    heap::free(block);
  }
}

TEST(Blocks, live_blocks_do_not_overlap) {
  std::vector<std::pair<unsigned char*, size_t>> blocks;
  for (int round = 0; round < 3; ++round) {
    for (const size_t size : telling_sizes()) {
      if (size > 300 * KiB) continue;
      auto* const block = static_cast<unsigned char*>(heap::allocate(size));
      std::memset(block, static_cast<unsigned char>(blocks.size()), heap::usable_size(block));
      blocks.emplace_back(block, heap::usable_size(block));
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_TRUE(all_bytes(blocks[i].first, blocks[i].second, static_cast<unsigned char>(i)));
    heap::free(blocks[i].first);
  }
}

TEST(Blocks, size_zero_gives_blocks_of_their_own) {
  void* const a = heap::allocate(0);
  void* const b = heap::allocate(0);
  EXPECT_NE(a, nullptr);
  EXPECT_NE(a, b);
  heap::free(a);
  heap::free(b);
  void* const c = heap::allocate_zeroed(0);
  void* const d = heap::allocate_aligned(1 * MiB, 0);
  EXPECT_NE(c, nullptr);
  EXPECT_NE(d, nullptr);
  EXPECT_EQ(Address(d) % MiB, 0U);
  heap::free(c);
  heap::free(d);
  heap::free(nullptr);
  EXPECT_EQ(heap::usable_size(nullptr), 0U);
}

TEST(Blocks, sizes_beyond_any_memory_are_refused) {
  for (const size_t size : {~size_t{0}, ~size_t{0} - 15, ~size_t{0} - 4096, size_t(PTRDIFF_MAX),
                            size_t(PTRDIFF_MAX) + 1, size_t{1} << 62}) {
    EXPECT_EQ(heap::allocate(size), nullptr);
    EXPECT_EQ(heap::allocate_zeroed(size), nullptr);
    for (size_t alignment = 1; alignment != 0; alignment <<= 1) {
      ASSERT_EQ(heap::allocate_aligned(alignment, size), nullptr) << alignment;
    }
    void* const block = heap::allocate(100);
    std::memset(block, 3, 100);
    EXPECT_EQ(heap::reallocate(block, size), nullptr);
    EXPECT_TRUE(all_bytes(block, 100, 3));
    heap::free(block);
    void* const large = heap::allocate(100 * KiB);
    EXPECT_EQ(heap::reallocate(large, size), nullptr);
    heap::free(large);
    void* const huge = heap::allocate(2 * GiB);
    ASSERT_NE(huge, nullptr);
    EXPECT_EQ(heap::reallocate(huge, size), nullptr);
    heap::free(huge);
  }
}

TEST(Blocks, every_alignment_up_to_4_mib_and_beyond_is_kept) {
  for (size_t alignment = 1; alignment <= 64 * MiB; alignment *= 2) {
    std::vector<void*> blocks;
    for (const size_t size : {size_t{0}, size_t{1}, size_t{24}, size_t{100}, size_t{1000},
                              size_t{5000}, size_t{30000}, 40 * KiB, 200 * KiB, 3 * MiB}) {
      void* const block = heap::allocate_aligned(alignment, size);
      ASSERT_NE(block, nullptr) << size << " at " << alignment;
      ASSERT_EQ(Address(block) % alignment, 0U) << size << " at " << alignment;
      ASSERT_EQ(Address(block) % granule_size, 0U);
      ASSERT_GE(heap::usable_size(block), size);
      std::memset(block, static_cast<int>(blocks.size()), size);
      blocks.push_back(block);
    }
    for (void* block : blocks) heap::free(block);
  }
}

TEST(Blocks, zeroed_blocks_read_zero_also_where_old_data_was) {
  for (const size_t size : telling_sizes()) {
    if (size > 6 * MiB) continue;
    for (int round = 0; round < 3; ++round) {
      std::vector<void*> blocks;
      for (int i = 0; i < (size <= 32 * KiB ? 12 : 2); ++i) {
        void* const block = heap::allocate_zeroed(size);
        ASSERT_TRUE(all_bytes(block, size, 0)) << size << " in round " << round;
        std::memset(block, 0xcc, heap::usable_size(block));
        blocks.push_back(block);
      }
      for (void* block : blocks) heap::free(block);
    }
  }
}

TEST(Blocks, zeroed_blocks_read_zero_when_another_class_wrote_there) {
  // Slots go from class to class, and from blocks to runs, with all they may hold.
  for (const size_t first : {16U, 48U, 1000U, 20000U, 100000U}) {
    for (const size_t second : {16U, 112U, 3000U, 32768U, 70000U, 300000U}) {
      std::vector<void*> blocks;
      for (size_t bytes = 0; bytes < 1 * MiB; bytes += first) {
        blocks.push_back(heap::allocate(first));
        std::memset(blocks.back(), 0xee, heap::usable_size(blocks.back()));
      }
      for (void* block : blocks) heap::free(block);
      blocks.clear();
      for (size_t bytes = 0; bytes < 1 * MiB; bytes += second) {
        blocks.push_back(heap::allocate_zeroed(second));
        ASSERT_TRUE(all_bytes(blocks.back(), second, 0)) << first << " then " << second;
      }
      for (void* block : blocks) heap::free(block);
    }
  }
}

// Fills with a pattern that depends on the position, so that moved contents are noticed.
void fill(void* block, size_t size) {
  for (size_t i = 0; i < size; ++i)
    static_cast<unsigned char*>(block)[i] = static_cast<unsigned char>(i * 7 >> 2);
}
bool filled(const void* block, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (static_cast<const unsigned char*>(block)[i] != static_cast<unsigned char>(i * 7 >> 2))
      return false;
  }
  return true;
}

TEST(Reallocate, contents_survive_between_any_two_kinds_of_block) {
  const size_t sizes[] = {1,        16,       17,       100,   1000,      4096,    20000,
                          32 * KiB, 33 * KiB, 64 * KiB, 65537, 200 * KiB, 1 * MiB, 1500 * KiB};
  for (const size_t from : sizes) {
    for (const size_t to : sizes) {
      void* const block = heap::allocate(from);
      fill(block, from);
      void* const moved = heap::reallocate(block, to);
      ASSERT_NE(moved, nullptr);
      ASSERT_TRUE(filled(moved, std::min(from, to))) << from << " to " << to;
      ASSERT_GE(heap::usable_size(moved), to);
      fill(moved, to);
      heap::free(moved);
    }
  }
}

TEST(Reallocate, huge_blocks_grow_shrink_and_become_smaller_kinds) {
  void* block = heap::allocate(1100 * MiB);
  ASSERT_NE(block, nullptr);
  fill(block, 1 * MiB);
  for (const size_t size : {1500 * MiB, 1200 * MiB, 3000 * MiB, 1200 * MiB, 2 * MiB, 100 * KiB}) {
    block = heap::reallocate(block, size);
    ASSERT_NE(block, nullptr);
    ASSERT_GE(heap::usable_size(block), size);
    ASSERT_TRUE(filled(block, std::min(size, 1 * MiB))) << size;
    static_cast<char*>(block)[size - 1] = static_cast<char>((size - 1) * 7 >> 2);
  }
  block = heap::reallocate(block, 10);
  EXPECT_TRUE(filled(block, 10));
  heap::free(block);
}

TEST(Reallocate, null_allocates_and_small_changes_stay_in_place) {
  void* const block = heap::reallocate(nullptr, 100);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(heap::reallocate(block, 101), block);
  EXPECT_EQ(heap::reallocate(block, 112), block);
  EXPECT_EQ(heap::reallocate(block, 60), block) << "less than half would be saved";
  void* const smaller = heap::reallocate(block, 10);
  EXPECT_NE(smaller, block);
  heap::free(smaller);
}

TEST(Reallocate, a_block_that_grows_bit_by_bit_moves_rarely) {
  void* block = heap::allocate(40 * KiB);
  void* in_the_way = heap::allocate(40 * KiB);
  unsigned moves = 0;
  for (size_t size = 41 * KiB; size < 20 * MiB; size += 16 * KiB) {
    void* const grown = heap::reallocate(block, size);
    if (grown != block) {
      ++moves;
      // A new neighbour each time it moves: it could not go on growing without headroom.
      heap::free(in_the_way);
      in_the_way = heap::allocate(40 * KiB);
    }
    block = grown;
    // And one after each step, so that what was given back is taken by others.
    void* const other = heap::allocate(64 * KiB);
    heap::free(other);
  }
  EXPECT_LE(moves, 20U);
  heap::free(block);
  heap::free(in_the_way);
}

TEST(Reallocate, headroom_of_a_growing_block_is_not_given_away) {
  void* block = heap::allocate(1 * MiB);
  void* const fence = heap::allocate(64 * KiB);
  std::vector<void*> others;
  unsigned moves = 0;
  for (size_t size = 1 * MiB; size < 16 * MiB; size += 64 * KiB) {
    void* const grown = heap::reallocate(block, size);
    moves += grown != block ? 1 : 0;
    block = grown;
    others.push_back(heap::allocate(64 * KiB));  // takes any slot that became free behind it
  }
  EXPECT_LE(moves, 10U) << "grows by half at each move";
  for (void* other : others) heap::free(other);
  heap::free(fence);
  heap::free(block);
}

TEST(Reallocate, a_live_block_that_holds_the_mark_by_chance_is_not_accused) {
  for (const size_t size : {16U, 48U, 1000U, 32768U}) {
    auto* block = static_cast<std::uintptr_t*>(heap::allocate(size));
    const std::uintptr_t mark = mark_freed(block);
    block[1] = mark;
    EXPECT_GE(heap::usable_size(block), size);
    EXPECT_EQ(heap::reallocate(block, size), block);
    block = static_cast<std::uintptr_t*>(heap::reallocate(block, 2 * size + 1));
    EXPECT_EQ(block[1], mark);
    block = static_cast<std::uintptr_t*>(heap::reallocate(block, 16));
    EXPECT_EQ(block[1], mark);
    heap::free(block);
  }
}

TEST(Trim, gives_free_memory_back_and_keeps_what_it_is_told) {
  heap::trim(0);
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) {
    blocks.push_back(heap::allocate(60 * KiB));
    std::memset(blocks.back(), 1, 60 * KiB);
  }
  for (void* block : blocks) heap::free(block);
  heap::Statistics before{};
  heap::collect(before);
  ASSERT_GE(before.dirty_bytes, 4 * MiB);
  EXPECT_EQ(heap::trim(~size_t{0}), 0U);
  const size_t some = heap::trim(1 * MiB);
  EXPECT_GT(some, 2 * MiB);
  heap::Statistics after{};
  heap::collect(after);
  EXPECT_LE(after.dirty_bytes, 1 * MiB);
  heap::trim(0);
  heap::Statistics end{};
  heap::collect(end);
  EXPECT_EQ(end.dirty_bytes, 0U);
  EXPECT_EQ(end.live_bytes(), before.live_bytes());
}

TEST(Trim, takes_the_empty_slabs_that_bins_keep) {
  for (unsigned c = 1; c < class_count; ++c) heap::free(heap::allocate(size_of_class(c)));
  heap::trim(0);
  heap::Statistics statistics{};
  heap::collect(statistics);
  for (unsigned c = 1; c < class_count; ++c) EXPECT_EQ(statistics.classes[c].slabs, 0U) << c;
  EXPECT_EQ(statistics.live_bytes(), 0U);
}

}  // namespace
