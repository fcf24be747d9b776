// Runs the kernel of c_kernel.c on the simulated machine.
#include "c_kernel.h"

#include <gtest/gtest.h>

#include "platform/sim/sim_machine.hpp"

namespace {

using strata::SimMachine;

observed seen;
unsigned held;
bool interrupted;  // release() came back with another value than hold() gave

strata_machine machine() {
  strata_machine table = {};
  table.map = [](uintptr_t address, uint64_t physical, size_t pages, strata_access access) {
    return int(
        SimMachine::map(address, strata::Frame::at(physical), pages, strata::Access(access)));
  };
  table.unmap = [](uintptr_t address, size_t pages) {
    const strata::FrameRun run = SimMachine::unmap(address, pages);
    return strata_frames_run{run.first ? run.first.address() : STRATA_NO_FRAME, run.count};
  };
  table.flush = [](uintptr_t address, size_t pages) { SimMachine::flush(address, pages); };
  table.cpu = [] { return SimMachine::cpu(); };
  table.fail = [](strata_problem problem, uintptr_t where) { seen = {problem, where}; };
  table.direct_base = uintptr_t(SimMachine::direct({0}));
  table.hold = [] { return uintptr_t(held++); };
  table.release = [](uintptr_t before) { interrupted |= --held != before; };
  return table;
}

TEST(c_kernel, all_three_storeys_work_through_the_table) {
  SimMachine::open(64 << 20, size_t{256} << 20);
  const strata_machine table = machine();
  EXPECT_STREQ(run_c_kernel(&table, SimMachine::window(), SimMachine::window_bytes(), &seen),
               nullptr);
  EXPECT_EQ(SimMachine::stale_uses(), 0);
  EXPECT_EQ(held, 0u) << "hold() and release() are not balanced";
  EXPECT_FALSE(interrupted);
}

// Every function of the table that may refuse, at every call.
TEST(c_kernel, a_refusal_of_the_table_at_any_call_changes_nothing) {
  SimMachine::open(64 << 20, size_t{256} << 20);
  const strata_machine table = machine();
  const strata_span ram = {0, 64 << 20, 1};
  ASSERT_EQ(strata_kernel_start(&table, &ram, 1, ~uint64_t{0}, SimMachine::window(),
                                SimMachine::window_bytes()),
            1);
  const auto program = [] {
    size_t bytes = size_t{3} << 20;
    const uintptr_t range = strata_range_get(bytes, size_t{2} << 20, 0);
    if (range == 0) return;
    for (const size_t wanted : {bytes + 40000, size_t{1} << 20}) {
      if (strata_range_resize(range, bytes, wanted) != 0) bytes = wanted;
    }
    if (strata_range_decommit(range + 8192, 8192) != 0) {
      strata_range_commit(range + 8192, 8192, STRATA_READ_ONLY);
    }
    EXPECT_EQ(strata_range_put(range, bytes), 1);
    strata_ranges_settle();
  };
  program();
  const size_t before = strata_frames_free();
  for (const auto refuse_at : {SimMachine::fail_map_at, SimMachine::fail_split_at}) {
    long nth = 1;
    for (bool never_came = false; !never_came; ++nth) {
      ASSERT_LT(nth, 1000);
      refuse_at(nth);
      program();
      never_came = SimMachine::failure_is_due();
      refuse_at(0);
      ASSERT_EQ(strata_frames_free(), before) << nth;
      ASSERT_EQ(SimMachine::mapped_pages(), 0u) << nth;
    }
    EXPECT_GT(nth, 2);
  }
  EXPECT_EQ(SimMachine::stale_uses(), 0);
  EXPECT_EQ(SimMachine::problems(), 0u);
}

TEST(c_kernel, a_table_that_lacks_a_function_or_a_map_without_memory_is_refused) {
  SimMachine::open(64 << 20, size_t{256} << 20);
  const strata_span ram = {0, 64 << 20, 1};
  const auto start = [&](const strata_machine& table, const strata_span* map, size_t spans) {
    return strata_kernel_start(&table, map, spans, ~uint64_t{0}, SimMachine::window(),
                               SimMachine::window_bytes());
  };
  strata_machine table = machine();
  table.map = nullptr;
  EXPECT_EQ(start(table, &ram, 1), 0);
  table = machine();
  table.unmap = nullptr;
  EXPECT_EQ(start(table, &ram, 1), 0);
  table = machine();
  table.fail = nullptr;
  EXPECT_EQ(start(table, &ram, 1), 0);
  table = machine();
  EXPECT_EQ(start(table, nullptr, 0), 0);
  const strata_span reserved[] = {ram, {0, ~uint64_t{0}, 0}};
  EXPECT_EQ(start(table, reserved, 2), 0);
  const strata_span tiny = {0x10000, 0x3000, 1};
  EXPECT_EQ(start(table, &tiny, 1), 0);
  EXPECT_EQ(start(table, &ram, 1), 1);
}

}  // namespace
