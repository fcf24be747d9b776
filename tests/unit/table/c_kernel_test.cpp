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

}  // namespace
