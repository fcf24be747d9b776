// SlotRange: random programs of take, extend, give and purge against a shadow of every slot; and
// the single promises of its header.
#include "ranges/slot_range.hpp"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "support/hold.hpp"
#include "support/run_model.hpp"

namespace {

using namespace strata;
using test::ShadowRun;

// A range that gives its addresses back at the end of the test.
struct TestRange {
  SlotRange range;
  size_t bytes;

  explicit TestRange(size_t bytes_wanted) : bytes(align_up(bytes_wanted, slot_size)) {
    FakePlatform::reset();
    EXPECT_TRUE(range.open(bytes_wanted));
  }
  ~TestRange() {
    if (range.is_open()) Machine::release(range.base(), bytes);
  }
  [[nodiscard]] size_t usable_slots() const {
    return range.reserved_slots() - size_t(range.first_slot() - &slot(0));
  }
  [[nodiscard]] const Slot& slot(size_t i) const {
    return reinterpret_cast<const Slot*>(range.base())[i];
  }
};

// The dirty runs from the longest-unused to the newest have times that do not go back.
bool ages_in_order(SlotRange& range) {
  for (const Slot* run = range.oldest_dirty(); run != nullptr; run = run->newer) {
    if (run->newer != nullptr && std::int32_t(run->newer->time - run->time) < 0) return false;
  }
  return true;
}

class Play {
 public:
  explicit Play(size_t bytes) : owned_(bytes) {}

  void step(std::uint8_t operation, std::uint16_t a, std::uint16_t b) {
    ++now_;
    switch (operation % 8) {
      case 0:
      case 1:
      case 2:
        take(1 + a % 9, size_t{1} << (b % 4));
        break;
      case 3:
        take(1 + a % 60, size_t{1} << (b % 6));
        break;
      case 4:
      case 5:
        if (!runs_.empty()) give(a % runs_.size(), b);
        break;
      case 6:
        if (!runs_.empty()) extend(a % runs_.size(), 1 + b % 12);
        break;
      default:
        purge();
    }
    check();
  }

  void end() {
    while (!runs_.empty()) give(0, 0);
    while (owned_.range.oldest_dirty() != nullptr) purge();
    HOLD(owned_.range.used_slots() == 0U);
    HOLD(owned_.range.dirty_bytes() == 0U);
    check();
    // One clean run is left: all of what is committed comes back in one piece.
    const size_t all = size_t(owned_.range.end_slot() - owned_.range.first_slot());
    if (all != 0) HOLD(owned_.range.take(all, 1, 0) == owned_.range.first_slot());
  }

 private:
  void take(size_t slots, size_t alignment) {
    SlotRange& range = owned_.range;
    Slot* const slot = range.take(slots, alignment, 4);
    if (slot == nullptr) {
      HOLD(range.used_slots() + slots > 16U);  // never from a nearly empty range
      return;
    }
    const Address address = range.address_of(slot);
    HOLD(address % (alignment * slot_size) == 0U);
    HOLD(slot >= range.first_slot());
    HOLD(slot + slots <= range.end_slot());
    for (const ShadowRun& other : runs_) {
      HOLD(slot + slots <= other.slot || other.slot + other.slots <= slot);
    }
    for (size_t i = 0; i < slots; ++i) HOLD(slot[i].kind() == SlotKind::none);
    HOLD(test::unwritten_reads_zero(address, slot, slots));
    const auto pattern = static_cast<unsigned char>(1 + now_ % 255);
    // A third of the runs is never written.
    if (now_ % 3 != 0) {
      test::scribble(address, slot, 0, slots, pattern);
      runs_.push_back({slot, slots, pattern});
    } else {
      runs_.push_back({slot, slots, 0});
    }
  }

  void expect_contents(const ShadowRun& run) {
    const Address address = owned_.range.address_of(run.slot);
    if (run.pattern != 0) HOLD(test::still_scribbled(address, run.slots, run.pattern));
  }

  void give(size_t index, std::uint16_t part) {
    ShadowRun& run = runs_[index];
    expect_contents(run);
    // Sometimes only the end of it, as a shrinking block does.
    const size_t keep = part % 4 == 3 && run.slots > 1 ? 1 + part % (run.slots - 1) : 0;
    owned_.range.give(run.slot + keep, run.slots - keep, now_);
    if (keep != 0) {
      run.slots = keep;
    } else {
      runs_.erase(runs_.begin() + long(index));
    }
  }

  void extend(size_t index, size_t more) {
    ShadowRun& run = runs_[index];
    expect_contents(run);
    Slot* const behind = run.slot + run.slots;
    bool in_use = false;
    for (const ShadowRun& other : runs_) {
      in_use |= other.slot >= behind && other.slot < behind + more;
    }
    if (!owned_.range.extend(run.slot, run.slots, run.slots + more)) return;
    HOLD(!in_use);
    HOLD(behind + more <= owned_.range.end_slot());
    const Address address = owned_.range.address_of(behind);
    HOLD(test::unwritten_reads_zero(address, behind, more));
    expect_contents(run);
    if (run.pattern != 0) {
      test::scribble(owned_.range.address_of(run.slot), run.slot, run.slots, run.slots + more,
                     run.pattern);
    }
    run.slots += more;
  }

  void purge() {
    SlotRange& range = owned_.range;
    Slot* const oldest = range.oldest_dirty();
    if (oldest == nullptr) return;
    const size_t before = range.dirty_bytes();
    const size_t wanted = 1 + now_ % 50;
    const size_t there = oldest->dirty;
    const SlotRange::Run run = range.take_dirty(oldest, wanted);
    HOLD(before - range.dirty_bytes() >= std::min(wanted, there) * carve_unit);
    HOLD(range.check());
    HOLD(Machine::purge(range.address_of(run.first), run.slots * slot_size));
    range.give_purged(run);
  }

  void check() {
    SlotRange& range = owned_.range;
    HOLD(range.check());
    HOLD(ages_in_order(range));
    size_t used = 0;
    for (const ShadowRun& run : runs_) used += run.slots;
    HOLD(range.used_slots() == used);
    // What is dirty is what was written and given back, to the unit.
    size_t dirty = 0;
    for (const Slot* slot = range.first_slot(); slot < range.end_slot(); ++slot)
      dirty += count_ones(slot->written);
    for (const ShadowRun& run : runs_) {
      for (size_t i = 0; i < run.slots; ++i) dirty -= count_ones(run.slot[i].written);
    }
    HOLD(range.dirty_bytes() == dirty * carve_unit);
  }

  TestRange owned_;
  std::vector<ShadowRun> runs_;
  std::uint32_t now_ = 0;
};

using Program = std::vector<std::tuple<std::uint8_t, std::uint16_t, std::uint16_t>>;

TEST(SlotRange, agrees_with_the_shadow_under_random_programs) {
  EXPECT_TRUE(rc::check([](const Program& program) {
    Play play(16 * MiB);
    for (const auto& [operation, a, b] : program) play.step(operation, a, b);
    play.end();
  }));
}

TEST(SlotRange, agrees_with_the_shadow_over_a_long_crowded_life) {
  Play play(12 * MiB);
  std::uint64_t random = 7;
  const auto next = [&] {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return std::uint16_t(random >> 40);
  };
  for (int i = 0; i < 2500; ++i) {
    const std::uint16_t operation = next();
    const std::uint16_t a = next();
    play.step(std::uint8_t(operation), a, next());
  }
  play.end();
}

TEST(SlotRange, all_of_the_range_but_its_array_can_be_taken) {
  for (const size_t bytes : {1 * MiB, 2 * MiB, 16 * MiB, 66 * MiB}) {
    TestRange owned(bytes);
    const size_t usable = owned.usable_slots();
    EXPECT_GE(usable, owned.range.reserved_slots() * 1000 / 1001 - 1);
    size_t taken = 0;
    while (owned.range.take(1, 1, 1) != nullptr) ++taken;
    EXPECT_EQ(taken, usable);
    EXPECT_TRUE(owned.range.check());
    // The last byte of the last slot is usable, and no byte is under the array.
    *reinterpret_cast<char*>(owned.range.base() + bytes - 1) = 1;
    EXPECT_GE(owned.range.address_of(owned.range.first_slot()),
              owned.range.base() + (owned.range.reserved_slots() + 1) * sizeof(Slot));
  }
}

TEST(SlotRange, runs_given_back_unwritten_are_clean) {
  TestRange owned(8 * MiB);
  Slot* const run = owned.range.take(5, 1, 16);
  owned.range.give(run, 5, 1);
  EXPECT_EQ(owned.range.oldest_dirty(), nullptr);
  EXPECT_EQ(owned.range.dirty_bytes(), 0U);
}

TEST(SlotRange, what_is_left_of_a_dirty_run_keeps_its_age) {
  TestRange owned(8 * MiB);
  SlotRange& range = owned.range;
  Slot* const old = range.take(8, 1, 64);
  ASSERT_NE(range.take(1, 1, 64), nullptr);
  Slot* const young = range.take(3, 1, 64);
  ASSERT_NE(range.take(1, 1, 64), nullptr);
  for (size_t i = 0; i < 8; ++i) old[i].written = first_units(1);
  young->written = first_units(1);
  range.give(old, 8, 100);
  range.give(young, 3, 200);
  // Aligned, out of the middle of `old`: both its ends stay dirty.
  Slot* const cut = range.take(4, 4, 64);
  ASSERT_TRUE(cut >= old && cut + 4 <= old + 8);
  EXPECT_TRUE(range.check());
  EXPECT_TRUE(ages_in_order(range));
  EXPECT_EQ(range.oldest_dirty()->time, 100U);
  EXPECT_EQ(range.dirty_bytes(), 5 * carve_unit);
  // Back again: the joined run counts from its oldest part.
  range.give(cut, 4, 300);
  EXPECT_EQ(range.oldest_dirty(), old);
  EXPECT_EQ(old->time, 100U);
  EXPECT_EQ(range.dirty_bytes(), 9 * carve_unit);
  EXPECT_TRUE(range.check());
}

TEST(SlotRange, dirty_slots_are_taken_for_purging_from_the_end_as_far_as_needed) {
  TestRange owned(8 * MiB);
  SlotRange& range = owned.range;
  Slot* const run = range.take(10, 1, 64);
  ASSERT_NE(range.take(1, 1, 64), nullptr);
  for (const size_t i : {2U, 5U, 7U}) run[i].written = first_units(4);
  range.give(run, 10, 1);
  SlotRange::Run taken = range.take_dirty(run, 5);
  EXPECT_EQ(taken.first, run + 5);
  EXPECT_EQ(taken.slots, 3U);
  EXPECT_EQ(range.dirty_bytes(), 4 * carve_unit);
  EXPECT_TRUE(range.check());
  range.give_purged(taken);
  taken = range.take_dirty(range.oldest_dirty(), 100);
  EXPECT_EQ(taken.first, run);
  range.give_purged(taken);
  EXPECT_EQ(range.oldest_dirty(), nullptr);
  EXPECT_TRUE(range.check());
}

TEST(SlotRange, growing_into_a_dirty_neighbour_leaves_the_rest_as_old_as_it_was) {
  TestRange owned(8 * MiB);
  SlotRange& range = owned.range;
  Slot* const run = range.take(2, 1, 64);
  Slot* const neighbour = range.take(6, 1, 64);
  ASSERT_NE(range.take(1, 1, 64), nullptr);
  Slot* const young = range.take(3, 1, 64);
  ASSERT_NE(range.take(1, 1, 64), nullptr);
  for (size_t i = 0; i < 6; ++i) neighbour[i].written = first_units(2);
  young->written = first_units(1);
  range.give(neighbour, 6, 100);
  range.give(young, 3, 200);
  ASSERT_TRUE(range.extend(run, 2, 4));
  EXPECT_TRUE(range.check());
  EXPECT_EQ(range.oldest_dirty(), neighbour + 2);
  EXPECT_EQ(range.oldest_dirty()->time, 100U);
  EXPECT_TRUE(ages_in_order(range));
  EXPECT_EQ(range.dirty_bytes(), (4 * 2 + 1) * carve_unit);
}

TEST(SlotRange, a_run_at_the_end_grows_into_addresses_not_yet_committed) {
  TestRange owned(8 * MiB);
  SlotRange& range = owned.range;
  Slot* const run = range.take(2, 1, 1);
  const size_t all = owned.usable_slots();
  ASSERT_EQ(range.end_slot(), run + 2);
  ASSERT_TRUE(range.extend(run, 2, 40));
  ASSERT_TRUE(range.extend(run, 40, all));
  EXPECT_FALSE(range.extend(run, all, all + 1));
  EXPECT_EQ(range.used_slots(), all);
  *reinterpret_cast<char*>(range.address_of(run) + all * slot_size - 1) = 1;
  EXPECT_TRUE(range.check());
}

TEST(SlotRange, a_run_does_not_grow_over_one_in_use) {
  TestRange owned(8 * MiB);
  Slot* const run = owned.range.take(2, 1, 16);
  Slot* const next = owned.range.take(2, 1, 16);
  ASSERT_EQ(next, run + 2);
  EXPECT_FALSE(owned.range.extend(run, 2, 3));
  owned.range.give(next, 2, 1);
  EXPECT_TRUE(owned.range.extend(run, 2, 3));
}

TEST(SlotRange, alignment_holds_up_to_the_ranges_own) {
  TestRange owned(64 * MiB);
  for (size_t alignment = 1; alignment * slot_size <= SlotRange::alignment; alignment *= 2) {
    ASSERT_NE(owned.range.take(1, 1, 16), nullptr);  // so that the next place is odd
    Slot* const run = owned.range.take(3, alignment, 16);
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(owned.range.address_of(run) % (alignment * slot_size), 0U);
  }
}

TEST(SlotRange, slots_and_addresses_lead_to_one_another) {
  TestRange owned(8 * MiB);
  SlotRange& range = owned.range;
  Slot* const run = range.take(3, 1, 16);
  for (size_t i = 0; i < 3; ++i) {
    const Address start = range.address_of(run + i);
    EXPECT_EQ(range.slot_of(start), run + i);
    EXPECT_EQ(range.slot_of(start + slot_size - 1), run + i);
    EXPECT_TRUE(range.holds(start));
    EXPECT_TRUE(range.holds_slot(run + i));
  }
  EXPECT_FALSE(range.holds(range.base() - 1));
  EXPECT_FALSE(range.holds(range.address_of(range.end_slot())));
  EXPECT_FALSE(range.holds_slot(range.end_slot()));
}

}  // namespace
