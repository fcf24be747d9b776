// The n-th call to the system is refused, for every n: the supply's state stays whole, what was
// handed out keeps its contents, and the next request is served.
#include <gtest/gtest.h>

#include <vector>

#include "ranges/slot_supply.hpp"
#include "support/run_model.hpp"
#include "support/test_supply.hpp"

namespace {

using namespace strata;
using test::ShadowRun;
using test::TestSupply;

FakeControl& control = FakePlatform::control;

// Slots of a run that are written: page faults are most of this test's time.
size_t written(size_t slots) { return slots < 2 ? slots : 2; }

// Fills the primary range and part of an annex, extends, gives back and purges. Returns the number
// of calls to the system that could have been refused.
unsigned play(SlotSupply& supply) {
  std::vector<ShadowRun> runs;
  size_t used = 0;
  const auto take = [&](size_t slots, size_t alignment) {
    Slot* const slot = supply.take(slots, alignment);
    ASSERT_TRUE(supply.check());
    if (slot == nullptr) return;
    const Address address = supply.address_of(slot);
    ASSERT_TRUE(test::unwritten_reads_zero(address, slot, slots));
    const auto pattern = static_cast<unsigned char>(runs.size() + 1);
    test::scribble(address, slot, 0, written(slots), pattern);
    runs.push_back({slot, slots, pattern});
    used += slots;
  };
  const auto give_last = [&] {
    if (runs.empty()) return;
    const ShadowRun run = runs.back();
    runs.pop_back();
    supply.give(run.slot, run.slots);
    used -= run.slots;
    ASSERT_TRUE(supply.check());
  };
  const auto expect_whole = [&] {
    for (const ShadowRun& run : runs) {
      ASSERT_TRUE(
          test::still_scribbled(supply.address_of(run.slot), written(run.slots), run.pattern));
    }
    ASSERT_EQ(supply.usage().used, used * slot_size);
    ASSERT_TRUE(supply.check());
  };

  for (size_t i = 0; i < 40; ++i) take(1 + i % 5, 1 + (i % 3 == 0 ? 1 : 0));
  expect_whole();
  for (ShadowRun& run : runs) {
    const size_t more = 1 + run.slots % 3;
    if (!supply.extend(run.slot, run.slots, run.slots + more)) continue;
    test::scribble(supply.address_of(run.slot), run.slot, written(run.slots),
                   written(run.slots + more), run.pattern);
    run.slots += more;
    used += more;
  }
  expect_whole();
  for (int i = 0; i < 25; ++i) give_last();
  expect_whole();
  supply.purge(64 * KiB);
  expect_whole();
  for (size_t i = 0; i < 10; ++i) take(20 + i, 4);
  take(600, 1);
  expect_whole();
  while (!runs.empty()) give_last();
  supply.purge(0);
  expect_whole();
  return control.calls.load(Order::relaxed);
}

void refuse_each(unsigned in_a_row) {
  unsigned calls = 0;
  {
    TestSupply supply(4 * MiB, 64 * MiB);
    range_settings.dirty_limit = 256 * KiB;
    calls = play(*supply);
  }
  ASSERT_GT(calls, 20U);
  for (unsigned n = 1; n <= calls; ++n) {
    SCOPED_TRACE(testing::Message() << "refused: call " << n << ", " << in_a_row << " in a row");
    TestSupply supply(4 * MiB, 64 * MiB);
    range_settings.dirty_limit = 256 * KiB;
    control.refuse_from = n;
    control.refuse_count = in_a_row;
    play(*supply);
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    // The system has come to its senses: everything works.
    control.refuse_from = FakePlatform::never;
    Slot* const run = supply->take(3);
    ASSERT_NE(run, nullptr);
    ASSERT_NE(primary_view.base, 0U);
    supply->give(run, 3);
    supply->purge(0);
    ASSERT_EQ(supply->usage().dirty, 0U);
  }
}

TEST(Refusal, of_each_single_call_leaves_the_supply_whole) { refuse_each(1); }
TEST(Refusal, of_each_two_calls_leaves_the_supply_whole) { refuse_each(2); }
TEST(Refusal, of_each_seven_calls_leaves_the_supply_whole) { refuse_each(7); }
TEST(Refusal, from_each_call_on_leaves_the_supply_whole) { refuse_each(FakePlatform::never); }

TEST(Refusal, of_memory_does_not_use_addresses_up) {
  TestSupply supply(4 * MiB);
  ASSERT_NE(supply->take(1), nullptr);
  control.refuse_commit = true;
  while (supply->take(1) != nullptr) {  // uses what is committed
  }
  const unsigned ranges = supply.ranges();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(supply->take(50), nullptr);
  EXPECT_LE(supply.ranges(), ranges + 1) << "an annex is opened for every refusal";
  control.refuse_commit = false;
  EXPECT_NE(supply->take(50), nullptr);
}

}  // namespace
