// SlotSupply: the primary range, annexes behind it, and purging by limit and by age.
#include "ranges/slot_supply.hpp"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <algorithm>
#include <atomic>
#include <thread>
#include <tuple>
#include <vector>

#include "support/hold.hpp"
#include "support/run_model.hpp"
#include "support/test_supply.hpp"

namespace {

using namespace strata;
using test::ShadowRun;
using test::TestSupply;

FakeControl& control = FakePlatform::control;

void touch(SlotSupply& supply, Slot* run, size_t slots) {
  test::scribble(supply.address_of(run), run, 0, slots, 15);  // all units of slot 0
}

TEST(SlotSupply, the_primary_range_says_where_it_is) {
  TestSupply supply(64 * MiB);
  EXPECT_EQ(primary_view.bytes, 0U);
  Slot* const run = supply->take(3);
  ASSERT_NE(run, nullptr);
  const Address address = supply->address_of(run);
  EXPECT_LT(address + 3 * slot_size - 1 - primary_view.base, primary_view.bytes);
  EXPECT_EQ(
      reinterpret_cast<Slot*>(primary_view.base) + ((address - primary_view.base) >> slot_shift),
      run);
  EXPECT_EQ(supply->find(address + 5), run);
  EXPECT_EQ(supply->find(address + slot_size), run + 1);
  int local = 0;
  EXPECT_EQ(supply->find(Address(&local)), nullptr);
  EXPECT_EQ(supply->find(0), nullptr);
}

TEST(SlotSupply, a_full_primary_range_is_followed_by_annexes) {
  TestSupply supply(4 * MiB);
  std::vector<Slot*> runs;
  for (int i = 0; i < 300; ++i) {  // 18 MiB
    Slot* const run = supply->take(1);
    ASSERT_NE(run, nullptr);
    const Address address = supply->address_of(run);
    ASSERT_EQ(address % slot_size, 0U);
    ASSERT_EQ(supply->find(address + 77), run);
    touch(*supply, run, 1);
    runs.push_back(run);
  }
  EXPECT_EQ(supply.ranges(), 2U);
  EXPECT_EQ(supply->usage().used, 300 * slot_size);
  for (Slot* run : runs) supply->give(run, 1);
  EXPECT_EQ(supply->usage().used, 0U);
  EXPECT_TRUE(supply->check());
}

TEST(SlotSupply, a_run_longer_than_an_annex_gets_one_of_its_own_size) {
  TestSupply supply(2 * MiB);
  Slot* const run = supply->take(3000, 32);  // 187 MiB
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(supply->address_of(run) % (2 * MiB), 0U);
  *reinterpret_cast<char*>(supply->address_of(run) + 3000 * slot_size - 1) = 1;
}

TEST(SlotSupply, under_a_limit_on_addresses_a_range_takes_a_small_share) {
  TestSupply supply(1 * TiB, 256 * MiB);
  ASSERT_NE(supply->take(1), nullptr);
  EXPECT_LE(supply->usage().reserved, 16 * MiB);
  for (int i = 0; i < 400; ++i) ASSERT_NE(supply->take(1), nullptr);
  EXPECT_LE(supply->usage().reserved, 64 * MiB);
}

TEST(SlotSupply, with_a_tiny_limit_there_is_still_a_primary_range) {
  TestSupply supply(1 * TiB, 16 * MiB);
  ASSERT_NE(supply->take(1), nullptr);
  // The marks of free blocks are made of its address: zero would accuse live blocks.
  EXPECT_NE(primary_view.base, 0U);
}

TEST(SlotSupply, no_annex_before_there_is_a_primary_range) {
  TestSupply supply(64 * MiB);
  control.refuse_reserve = true;
  EXPECT_EQ(supply->take(1), nullptr);
  control.refuse_reserve = false;
  ASSERT_NE(supply->take(1), nullptr);
  EXPECT_NE(primary_view.base, 0U);
}

TEST(SlotSupply, dirty_memory_stays_under_its_limit) {
  TestSupply supply(256 * MiB);
  range_settings.dirty_limit = 1 * MiB;
  std::vector<Slot*> runs;
  for (int i = 0; i < 200; ++i) {
    runs.push_back(supply->take(2));
    test::scribble(supply->address_of(runs.back()), runs.back(), 0, 2, 14);
  }
  for (Slot* run : runs) {
    const size_t used = supply->usage().used;
    supply->give(run, 2);
    ASSERT_LE(supply->usage().dirty, std::max(size_t{1} * MiB, used / 2));
  }
  EXPECT_GT(supply->usage().purges, 5U);
  EXPECT_LT(supply->usage().purges, 100U) << "each purge gives back several runs' worth";
  EXPECT_EQ(supply->usage().used, 0U);
}

TEST(SlotSupply, as_much_as_large_blocks_use_may_be_dirty) {
  TestSupply supply(256 * MiB);
  range_settings.dirty_limit = 0;
  std::vector<Slot*> runs;
  for (int i = 0; i < 160; ++i) {
    runs.push_back(supply->take(1));
    touch(*supply, runs.back(), 1);
  }
  supply->count_large(160);
  const auto give = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      supply->count_large(-1);
      supply->give(runs[size_t(i)], 1);
    }
  };
  give(0, 80);
  EXPECT_EQ(supply->usage().purges, 0U);
  give(80, 90);
  EXPECT_GT(supply->usage().purges, 0U);
}

TEST(SlotSupply, dirty_memory_goes_when_its_delay_is_over) {
  TestSupply supply(256 * MiB);
  range_settings.purge_delay = 500;
  Slot* const old = supply->take(4);
  ASSERT_NE(supply->take(1), nullptr);
  Slot* const young = supply->take(4);
  ASSERT_NE(supply->take(1), nullptr);
  touch(*supply, old, 4);
  touch(*supply, young, 4);
  supply->give(old, 4);
  control.now += 400;
  supply->give(young, 4);
  control.now += 99;
  supply->give(supply->take(20), 20);  // longer than what is dirty: only shows the clock
  EXPECT_EQ(supply->usage().purges, 0U);
  control.now += 1;
  supply->give(supply->take(20), 20);
  EXPECT_EQ(supply->usage().purges, 1U);
  EXPECT_EQ(supply->usage().purged, 4 * slot_size);
  control.now += 400;
  supply->give(supply->take(20), 20);
  EXPECT_EQ(supply->usage().purges, 2U);
  EXPECT_EQ(supply->usage().dirty, 0U);
}

TEST(SlotSupply, a_run_whose_time_lies_ahead_is_not_old) {
  // A thread that read the clock, then waited for the lock, meets younger runs than its own time.
  TestSupply supply(256 * MiB);
  Slot* const run = supply->take(2);
  Slot* const other = supply->take(1);
  touch(*supply, run, 2);
  supply->give(run, 2);
  control.now -= 5;
  supply->give(other, 1);
  EXPECT_EQ(supply->usage().purges, 0U);
}

TEST(SlotSupply, purging_on_demand_keeps_as_much_as_it_is_told) {
  TestSupply supply(256 * MiB);
  std::vector<Slot*> runs;
  for (int i = 0; i < 64; ++i) {
    runs.push_back(supply->take(1));
    touch(*supply, runs.back(), 1);
  }
  for (size_t i = 0; i < runs.size(); i += 2) supply->give(runs[i], 1);
  const size_t dirty = supply->usage().dirty;
  ASSERT_EQ(dirty, 32 * slot_size);
  EXPECT_EQ(supply->purge(dirty), 0U);
  EXPECT_EQ(supply->purge(10 * slot_size), 22 * slot_size);
  EXPECT_EQ(supply->usage().dirty, 10 * slot_size);
  EXPECT_EQ(supply->purge(0), 10 * slot_size);
  EXPECT_EQ(supply->usage().dirty, 0U);
  EXPECT_EQ(supply->usage().purged, 32 * slot_size);
}

TEST(SlotSupply, purged_runs_read_zero_when_taken_again) {
  TestSupply supply(256 * MiB);
  Slot* const run = supply->take(6);
  const Address address = supply->address_of(run);
  touch(*supply, run, 6);
  supply->give(run, 6);
  ASSERT_GT(supply->purge(0), 0U);
  Slot* const again = supply->take(6);
  ASSERT_EQ(supply->address_of(again), address);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(again[i].written, 0);
  for (size_t i = 0; i < 6 * slot_size; ++i) {
    ASSERT_EQ(reinterpret_cast<char*>(address)[i], 0) << i;
  }
}

SlotSupply* supply_in_purge;

TEST(SlotSupply, no_lock_is_held_while_the_system_purges) {
  TestSupply supply(256 * MiB);
  Slot* const run = supply->take(4);
  touch(*supply, run, 4);
  supply->give(run, 4);
  supply_in_purge = &*supply;
  control.during_purge = [] {
    Slot* const taken = supply_in_purge->take(2);  // would wait for itself
    supply_in_purge->give(taken, 2);
  };
  supply->purge(0);
  control.during_purge = nullptr;
  EXPECT_TRUE(supply->check());
}

TEST(SlotSupply, a_refused_purge_leaves_the_run_dirty_and_young) {
  TestSupply supply(256 * MiB);
  range_settings.purge_delay = 500;
  Slot* const run = supply->take(4);
  ASSERT_NE(supply->take(1), nullptr);
  touch(*supply, run, 4);
  supply->give(run, 4);
  const size_t dirty = supply->usage().dirty;
  control.refuse_purge = true;
  EXPECT_EQ(supply->purge(0), 0U);
  EXPECT_EQ(supply->usage().dirty, dirty);
  EXPECT_TRUE(supply->check());
  // It is not tried at every call from now on, but after its delay.
  const unsigned calls = control.calls.load(Order::relaxed);
  for (int i = 0; i < 10; ++i) supply->give(supply->take(600), 600);
  EXPECT_LE(control.calls.load(Order::relaxed) - calls, 3U);
  control.refuse_purge = false;
  control.now += 500;
  supply->give(supply->take(600), 600);
  EXPECT_EQ(supply->usage().dirty, 0U);
  EXPECT_TRUE(supply->check());
}

TEST(SlotSupply, dirty_and_clean_runs_join) {
  TestSupply supply(4 * MiB);
  std::vector<Slot*> runs;
  while (supply.ranges() < 2) runs.push_back(supply->take(1));
  control.refuse_reserve = true;  // no further annex
  range_settings.dirty_limit = 64 * MiB;
  supply->give(runs.back(), 1);
  runs.pop_back();
  for (size_t i = 0; i < runs.size(); ++i) {
    if (i % 2 == 0) touch(*supply, runs[i], 1);
  }
  while (supply->take(100) != nullptr) {  // uses the annex up
  }
  const size_t all = runs.size();
  for (Slot* run : runs) supply->give(run, 1);
  EXPECT_GT(supply->usage().dirty, 0U);
  EXPECT_NE(supply->take(all), nullptr);
}

TEST(SlotSupply, eager_provision_makes_pages_resident_and_says_so) {
  TestSupply supply(64 * MiB);
  range_settings.provision = Provision::eager;
  Slot* const run = supply->take(4);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(run[i].written, all_units);
  supply->give(run, 4);
  EXPECT_EQ(supply->usage().dirty, 4 * slot_size);
}

TEST(SlotSupply, usage_sums_up) {
  TestSupply supply(64 * MiB);
  Slot* const a = supply->take(5);
  Slot* const b = supply->take(7);
  touch(*supply, a, 5);
  const SlotSupply::Usage before = supply->usage();
  EXPECT_EQ(before.reserved, 64 * MiB);
  EXPECT_EQ(before.used, 12 * slot_size);
  EXPECT_EQ(before.dirty, 0U);
  EXPECT_GE(before.committed, before.used);
  supply->give(a, 5);
  const SlotSupply::Usage after = supply->usage();
  EXPECT_EQ(after.used, 7 * slot_size);
  EXPECT_GT(after.dirty, 0U);
  EXPECT_EQ(after.committed, before.committed);
  supply->give(b, 7);
}

class Play {
 public:
  Play() : supply_(4 * MiB) {
    range_settings.dirty_limit = 512 * KiB;
    range_settings.purge_delay = 50;
  }

  void step(std::uint8_t operation, std::uint16_t a, std::uint16_t b) {
    control.now += operation % 16;
    switch (operation % 8) {
      case 0:
      case 1:
      case 2:
        take(a % 4 == 0 ? 1 + a % 100 : 1 + a % 6, size_t{1} << (b % 6));
        break;
      case 3:
      case 4:
      case 5:
        if (!runs_.empty()) give(a % runs_.size());
        break;
      case 6:
        if (!runs_.empty()) extend(a % runs_.size(), 1 + b % 10);
        break;
      default:
        supply_->purge(a * KiB);
        HOLD(supply_->usage().dirty <= a * KiB);
    }
    HOLD(supply_->check());
    const SlotSupply::Usage usage = supply_->usage();
    HOLD(usage.used == used_ * slot_size);
    HOLD(usage.dirty + usage.used <= usage.committed);
    HOLD(usage.committed <= usage.reserved);
  }
  void end() {
    while (!runs_.empty()) give(0);
    supply_->purge(0);
    HOLD(supply_->usage().dirty == 0U);
    HOLD(supply_->usage().used == 0U);
  }

 private:
  void take(size_t slots, size_t alignment) {
    Slot* const slot = supply_->take(slots, alignment);
    HOLD(slot != nullptr);
    const Address address = supply_->address_of(slot);
    HOLD(address % (alignment * slot_size) == 0U);
    HOLD(supply_->find(address + slots * slot_size - 1) == slot + slots - 1);
    for (const ShadowRun& other : runs_) {
      const Address at = supply_->address_of(other.slot);
      HOLD(address + slots * slot_size <= at || at + other.slots * slot_size <= address);
    }
    HOLD(test::unwritten_reads_zero(address, slot, slots));
    const auto pattern = static_cast<unsigned char>(1 + ++serial_ % 255);
    test::scribble(address, slot, 0, slots, pattern);
    runs_.push_back({slot, slots, pattern});
    used_ += slots;
  }
  void give(size_t index) {
    const ShadowRun run = runs_[index];
    HOLD(test::still_scribbled(supply_->address_of(run.slot), run.slots, run.pattern));
    supply_->give(run.slot, run.slots);
    runs_.erase(runs_.begin() + long(index));
    used_ -= run.slots;
  }
  void extend(size_t index, size_t more) {
    ShadowRun& run = runs_[index];
    if (!supply_->extend(run.slot, run.slots, run.slots + more)) return;
    const Address address = supply_->address_of(run.slot);
    HOLD(test::unwritten_reads_zero(address + run.slots * slot_size, run.slot + run.slots, more));
    test::scribble(address, run.slot, run.slots, run.slots + more, run.pattern);
    run.slots += more;
    used_ += more;
  }

  TestSupply supply_;
  std::vector<ShadowRun> runs_;
  size_t used_ = 0;
  unsigned serial_ = 0;
};

TEST(SlotSupply, agrees_with_the_shadow_under_random_programs) {
  using Program = std::vector<std::tuple<std::uint8_t, std::uint16_t, std::uint16_t>>;
  EXPECT_TRUE(rc::check([](const Program& program) {
    Play play;
    for (const auto& [operation, a, b] : program) play.step(operation, a, b);
    play.end();
  }));
}

TEST(SlotSupply, threads_never_share_a_run) {
  TestSupply supply(32 * MiB);
  range_settings.dirty_limit = 1 * MiB;
  std::vector<std::thread> threads;
  std::atomic<int> bad{0};
  for (unsigned t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<ShadowRun> runs;
      std::uint64_t random = t;
      for (int i = 0; i < 3000; ++i) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        if (runs.size() < 8 && random >> 63 != 0) {
          const size_t slots = 1 + (random >> 40) % 5;
          Slot* const slot = supply->take(slots);
          const Address address = supply->address_of(slot);
          if (!test::unwritten_reads_zero(address, slot, slots)) ++bad;
          const auto pattern = static_cast<unsigned char>(t * 50 + unsigned(i) % 50);
          test::scribble(address, slot, 0, slots, pattern);
          runs.push_back({slot, slots, pattern});
        } else if (!runs.empty()) {
          const ShadowRun run = runs.back();
          runs.pop_back();
          if (!test::still_scribbled(supply->address_of(run.slot), run.slots, run.pattern)) ++bad;
          supply->give(run.slot, run.slots);
        }
      }
      for (const ShadowRun& run : runs) supply->give(run.slot, run.slots);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(bad, 0);
  EXPECT_TRUE(supply->check());
  EXPECT_EQ(supply->usage().used, 0U);
}

}  // namespace
