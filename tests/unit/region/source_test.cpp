// Regions that grow: through mmap, and through the ranges storey of the process.
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <vector>

#include "heap/heap.hpp"
#include "heap/statistics.hpp"
#include "platform/linux/mmap_source.hpp"
#include "ranges/slot_source.hpp"
#include "strata/region.hpp"
#include "strata/strata.h"

namespace strata::testing {
namespace {

template <class SourcePolicy, class LayoutPolicy = layout::Compact<>>
struct Growing : DefaultPolicy {
  using Layout = LayoutPolicy;
  using Source = SourcePolicy;
};

int foreign;  // memory of the program's own

size_t lent() {
  heap::Statistics statistics{};
  heap::collect(statistics);
  return statistics.lent_bytes;
}

template <class T>
class GrowingRegion : public ::testing::Test {};
using Policies = ::testing::Types<
    Growing<MmapSource>, Growing<SlotSource>, Growing<MmapSource, layout::Pointers<>>,
    Growing<SlotSource, layout::Pointers<>>, Growing<SlotSource, layout::Offsets<>>>;
TYPED_TEST_SUITE(GrowingRegion, Policies);

TYPED_TEST(GrowingRegion, spans_are_whole_pages_and_at_least_64_kib) {
  heap::start();
  Region<TypeParam> region;
  std::vector<char*> blocks;
  for (size_t size = 100; size < 2 * MiB; size = size * 3 / 2) {
    auto* const block = static_cast<char*>(region.allocate(size));
    ASSERT_NE(block, nullptr) << size;
    std::memset(block, 3, size);
    blocks.push_back(block);
  }
  EXPECT_TRUE(region.check());
  const RegionStatistics s = region.statistics();
  EXPECT_GT(s.spans, 2U);
  EXPECT_GE(s.managed_bytes, s.spans * 64 * KiB);
  EXPECT_EQ(s.managed_bytes % (64 * KiB), 0U);
  for (char* block : blocks) EXPECT_EQ(region.free(block), RegionError::none);
  EXPECT_LE(region.statistics().spans, 2U);
  region.trim();
  EXPECT_EQ(region.statistics().spans, 0U);
  EXPECT_EQ(region.statistics().managed_bytes, 0U);
  // And it grows again.
  EXPECT_NE(region.allocate(10), nullptr);
  region.destroy();
}

TEST(MmapSource, what_the_system_refuses_is_out_of_memory) {
  Region<Growing<MmapSource, layout::Pointers<>>> region;
  EXPECT_EQ(region.allocate(size_t{1} << 38), nullptr);  // more than any machine's
  EXPECT_EQ(region.last_error(), RegionError::out_of_memory);
  EXPECT_NE(region.allocate(100), nullptr);
  region.destroy();
}

TEST(SlotSource, its_spans_are_slots_of_the_process_and_go_back) {
  heap::start();
  const size_t before = lent();
  Region<Growing<SlotSource>> region;
  void* const block = region.allocate(200 * KiB);
  ASSERT_NE(block, nullptr);
  EXPECT_NE(slot_supply.find(Address(block)), nullptr);
  EXPECT_EQ(lent() - before, region.statistics().managed_bytes);
  EXPECT_TRUE(slot_supply.check());
  region.free(block);
  region.destroy();
  EXPECT_EQ(lent(), before);
  EXPECT_TRUE(slot_supply.check());
}

TEST(SlotSource, what_it_did_not_lend_is_left_alone) {
  heap::start();
  const SourceMemory got = SlotSource::take(100 * KiB);
  ASSERT_NE(got.memory, nullptr);
  EXPECT_EQ(got.bytes, 128 * KiB);
  EXPECT_FALSE(SlotSource::give(got.memory, 64 * KiB));
  EXPECT_FALSE(SlotSource::give(static_cast<char*>(got.memory) + 64 * KiB, 64 * KiB));
  void* const block = heap::allocate(100 * KiB);
  EXPECT_FALSE(SlotSource::give(block, 128 * KiB));
  heap::free(block);
  EXPECT_FALSE(SlotSource::give(&foreign, 64 * KiB));
  EXPECT_TRUE(SlotSource::give(got.memory, got.bytes));
  EXPECT_FALSE(SlotSource::give(got.memory, got.bytes));
  EXPECT_EQ(SlotSource::take(0).memory, nullptr);
  EXPECT_EQ(SlotSource::take(~size_t{0}).memory, nullptr);
}

TEST(SlotSource, memory_that_was_lent_reads_zero_for_calloc_afterwards) {
  heap::start();
  for (int round = 0; round < 3; ++round) {
    const SourceMemory got = SlotSource::take(256 * KiB);
    std::memset(got.memory, 0xAB, got.bytes);
    ASSERT_TRUE(SlotSource::give(got.memory, got.bytes));
    auto* const block = static_cast<unsigned char*>(heap::allocate_zeroed(256 * KiB));
    for (size_t i = 0; i < 256 * KiB; ++i) ASSERT_EQ(block[i], 0);
    heap::free(block);
  }
}

TEST(SlotSource, freeing_a_regions_block_by_the_heap_is_reported) {
  ::testing::FLAGS_gtest_death_test_style = "fast";
  EXPECT_EXIT(
      {
        Region<Growing<SlotSource>> region;
        heap::start();
        heap::free(region.allocate(100));
      },
      ::testing::KilledBySignal(SIGABRT),
      "^strata: error: invalid free of 0x[0-9a-f]+ \\(memory of a region, not of the heap\\)\n$");
}

TEST(SlotSource, a_c_region_grows_by_the_functions_of_the_process_heap) {
  alignas(16) static char memory[16384];
  strata_region_options options = STRATA_REGION_DEFAULTS;
  options.grow = strata_range_take;
  options.shrink = strata_range_give;
  const size_t before = lent();
  strata_region* const region = strata_region_create(memory, sizeof memory, &options, nullptr);
  ASSERT_NE(region, nullptr);
  void* const block = strata_region_allocate(region, 1 << 20);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(lent(), before + (1 << 20));
  std::memset(block, 1, 1 << 20);
  EXPECT_EQ(strata_region_check(region, nullptr), STRATA_REGION_OK);
  strata_region_free(region, block);
  strata_region_destroy(region);
  EXPECT_EQ(lent(), before);
}

}  // namespace
}  // namespace strata::testing
