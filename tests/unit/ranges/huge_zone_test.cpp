// HugeZone: where a range asks for huge pages, where no longer, and where again.
#include "ranges/huge_zone.hpp"

#include <gtest/gtest.h>

#include "ranges/settings.hpp"
#include "ranges/slot_range.hpp"

namespace {

using namespace strata;

constexpr size_t page = HugeZone::page;

class HugeZoneTest : public testing::Test {
 protected:
  void SetUp() override {
    FakePlatform::reset();
    range_settings = {};
  }
  void TearDown() override {
    if (range.is_open()) Machine::release(range.base(), range.reserved_slots() * slot_size);
    range_settings = {};
  }
  void open(size_t after) {
    range_settings.huge_pages_after = after;
    ASSERT_TRUE(range.open(256 * MiB));
    end = range.base() + range.reserved_slots() * slot_size;
  }
  Slot* take(size_t bytes) { return range.take(bytes / slot_size, 1, 1); }
  void give(Slot* run, size_t bytes) {
    for (size_t i = 0; i < bytes / slot_size; ++i) run[i].written = all_units;
    range.give(run, bytes / slot_size, 0);
  }
  void purge_all() {
    while (Slot* run = range.oldest_dirty()) range.give_purged(range.take_dirty(run, ~size_t{0}));
  }
  // The i-th thing that was said.
  static void expect_said(unsigned i, Address from, Address to, bool allow) {
    ASSERT_LT(i, FakePlatform::control.advised);
    const auto& advice = FakePlatform::control.advice[i];
    EXPECT_EQ(advice.address, from);
    EXPECT_EQ(advice.address + advice.bytes, to);
    EXPECT_EQ(advice.allow, allow);
  }

  SlotRange range;
  Address end = 0;
};

TEST_F(HugeZoneTest, nothing_is_asked_for_when_it_is_off) {
  open(RangeSettings::never);
  take(200 * MiB);
  ASSERT_EQ(FakePlatform::control.advised, 1U);
  expect_said(0, range.base(), end, false);
}

TEST_F(HugeZoneTest, on_is_the_whole_range) {
  open(0);
  take(200 * MiB);
  ASSERT_EQ(FakePlatform::control.advised, 1U);
  expect_said(0, range.base(), end, true);
}

TEST_F(HugeZoneTest, small_heaps_have_none_and_large_ones_have_them_where_they_grow) {
  open(16 * MiB);
  take(16 * MiB);
  EXPECT_EQ(FakePlatform::control.advised, 1U);
  const Address grown = range.base() + range.committed_bytes();
  take(slot_size);
  ASSERT_EQ(FakePlatform::control.advised, 2U);
  expect_said(1, align_up(grown, page), end, true);
  take(40 * MiB);
  EXPECT_EQ(FakePlatform::control.advised, 2U);
}

TEST_F(HugeZoneTest, the_zone_grows_by_whole_huge_pages) {
  open(16 * MiB);
  take(16 * MiB);
  for (unsigned i = 0; i < 100; ++i) {
    take(slot_size);
    ASSERT_EQ(range.committed_bytes() % page, 0U);
  }
}

TEST_F(HugeZoneTest, whole_huge_pages_are_purged_where_they_are_free) {
  open(0);
  Slot* const first = take(16 * MiB);
  take(slot_size);
  give(first, 16 * MiB);
  const SlotRange::Run run = range.take_dirty(first, 1);
  EXPECT_EQ(range.address_of(run.first) % page, 0U);
  EXPECT_EQ(range.address_of(run.first + run.slots), range.address_of(first) + 16 * MiB);
  EXPECT_LE(run.slots * slot_size, 2 * page);
  range.give_purged(run);
}

TEST_F(HugeZoneTest, where_pages_went_from_between_blocks_none_are_asked_for) {
  open(16 * MiB);
  take(16 * MiB);
  Slot* const run = take(64 * MiB);
  ASSERT_EQ(FakePlatform::control.advised, 2U);
  const Address begin = FakePlatform::control.advice[1].address;
  const Address grown = range.base() + range.committed_bytes();
  range.note_purged_within(range.first_slot(), 64 * MiB);  // not in the zone
  range.note_purged_within(run + 64, (grown - begin) / 8);
  EXPECT_EQ(FakePlatform::control.advised, 2U);
  range.note_purged_within(run + 64, 1);
  ASSERT_EQ(FakePlatform::control.advised, 3U);
  expect_said(2, begin, grown, false);
  // What is committed from now on is asked for as before, and so is the rest when it is free again.
  give(run, 64 * MiB);
  ASSERT_EQ(FakePlatform::control.advised, 4U);
  expect_said(3, begin, grown, true);
}

TEST_F(HugeZoneTest, purging_whole_huge_pages_does_not_end_the_zone) {
  open(16 * MiB);
  take(16 * MiB);
  Slot* const run = take(64 * MiB);
  for (unsigned i = 0; i < 10; ++i) {
    give(run, 64 * MiB);
    purge_all();
    ASSERT_EQ(take(64 * MiB), run);
  }
  EXPECT_EQ(FakePlatform::control.advised, 2U);
}

TEST_F(HugeZoneTest, what_was_decommitted_is_asked_for_anew) {
  open(16 * MiB);
  take(16 * MiB);
  const Address before = range.base() + range.committed_bytes();
  Slot* const run = take(64 * MiB);
  give(run, 64 * MiB);
  const Address grown = range.base() + range.committed_bytes();
  ASSERT_NE(range.shrink(), 0U);
  ASSERT_EQ(FakePlatform::control.advised, before % page == 0 ? 3U : 4U);
  expect_said(FakePlatform::control.advised - 1, align_up(before, page), grown, true);
}

}  // namespace
