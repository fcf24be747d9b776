// include/strata/strata.h, called in a program whose malloc is another's.
#include "strata/strata.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

TEST(CInterface, blocks_live_beside_those_of_the_systems_malloc) {
  void* const ours = strata_malloc(100);
  void* const theirs = std::malloc(100);
  ASSERT_NE(ours, nullptr);
  std::memset(ours, 1, 100);
  std::memset(theirs, 2, 100);
  EXPECT_EQ(static_cast<char*>(ours)[99], 1);
  strata_free(ours);
  std::free(theirs);
}

TEST(CInterface, calloc_reads_zero_and_refuses_products_that_overflow) {
  auto* const block = static_cast<char*>(strata_calloc(33, 7));
  for (int i = 0; i < 33 * 7; ++i) EXPECT_EQ(block[i], 0);
  strata_free(block);
  errno = 0;
  EXPECT_EQ(strata_calloc(SIZE_MAX / 2, 3), nullptr);
  EXPECT_EQ(strata_calloc(size_t{1} << 33, size_t{1} << 33), nullptr);
  EXPECT_EQ(errno, 0) << "these names leave errno alone";
}

TEST(CInterface, realloc_with_null_or_zero_gives_a_block_of_its_own) {
  void* block = strata_realloc(nullptr, 40);
  ASSERT_NE(block, nullptr);
  std::memcpy(block, "kept", 5);
  block = strata_realloc(block, 40000);
  EXPECT_STREQ(static_cast<char*>(block), "kept");
  block = strata_realloc(block, 0);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(static_cast<char*>(block)[0], 'k');
  strata_free(block);
}

TEST(CInterface, aligned_alloc_takes_powers_of_two_alone) {
  for (size_t alignment = 1; alignment <= size_t{1} << 22; alignment *= 2) {
    void* const block = strata_aligned_alloc(alignment, 10);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0U);
    strata_free(block);
  }
  for (const size_t alignment : {size_t{0}, size_t{3}, size_t{24}, size_t{4095}, SIZE_MAX}) {
    EXPECT_EQ(strata_aligned_alloc(alignment, 10), nullptr) << alignment;
  }
  EXPECT_EQ(strata_aligned_alloc(size_t{1} << 63, 10), nullptr);
}

TEST(CInterface, usable_size_is_what_may_be_used) {
  EXPECT_EQ(strata_usable_size(nullptr), 0U);
  for (const size_t size : {0U, 1U, 17U, 5000U, 33000U, 1000000U}) {
    void* const block = strata_malloc(size);
    EXPECT_GE(strata_usable_size(block), size);
    std::memset(block, 9, strata_usable_size(block));
    strata_free(block);
  }
}

TEST(CInterface, trim_gives_back_what_was_freed) {
  void* const block = strata_malloc(3 << 20);
  std::memset(block, 1, 3 << 20);
  strata_free(block);
  EXPECT_GE(strata_trim(0), size_t{3} << 20);
  EXPECT_EQ(strata_trim(0), 0U);
}

}  // namespace
