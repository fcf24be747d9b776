// strata/kernel.h on the simulated machine, as a C kernel would use it.
#include <gtest/gtest.h>

#include <cstring>

#include "platform/sim/sim_machine.hpp"
#include "strata/kernel.h"

namespace {

using strata::SimMachine;
constexpr size_t MiB = 1 << 20;

unsigned failures;
const char* last_failure;

strata_machine table() {
  strata_machine machine = {};
  machine.map = [](uintptr_t address, uint64_t physical, size_t pages, strata_access access) {
    return int(
        SimMachine::map(address, strata::Frame::at(physical), pages, strata::Access(access)));
  };
  machine.unmap = [](uintptr_t address, size_t pages) {
    const strata::FrameRun run = SimMachine::unmap(address, pages);
    return strata_frames_run{run.first ? run.first.address() : STRATA_NO_FRAME, run.count};
  };
  machine.flush = [](uintptr_t address, size_t pages) { SimMachine::flush(address, pages); };
  machine.cpu = [] { return SimMachine::cpu(); };
  machine.fail = [](const char* problem, uintptr_t) {
    ++failures;
    last_failure = problem;
  };
  machine.direct_base = uintptr_t(SimMachine::direct({0}));
  return machine;
}

TEST(c_table, frames_and_ranges_work_through_it) {
  SimMachine::open(64 * MiB, 64 * MiB);
  const strata_machine machine = table();
  const strata_span map[] = {{0x100000, 1 * MiB, 0}, {0, 63 * MiB, 1}};
  ASSERT_EQ(strata_kernel_start(&machine, map, 2, ~uint64_t{0}, SimMachine::window(),
                                SimMachine::window_bytes()),
            1);
  const size_t before = strata_frames_free();
  const uint64_t frame = strata_frame_get();
  ASSERT_NE(frame, STRATA_NO_FRAME);
  EXPECT_EQ(strata_frame_put(frame), 1);
  EXPECT_EQ(strata_frame_put(frame), 0);
  EXPECT_STREQ(last_failure, "double free of a frame");
  const uint64_t low = strata_frames_get(4, 65536, 16 * MiB);
  EXPECT_EQ(low % 65536, 0u);
  EXPECT_LT(low, 16 * MiB);
  EXPECT_EQ(strata_frames_put(low, 4), 1);
  const uintptr_t range = strata_range_get(300000, 0, 4096);
  ASSERT_NE(range, 0u);
  std::memset(reinterpret_cast<void*>(range), 1, 300000);
  EXPECT_EQ(strata_range_put(range, 4096), 0);
  EXPECT_EQ(strata_range_put(range, 300000), 1);
  strata_ranges_settle();
  EXPECT_EQ(strata_frames_free(), before);
  EXPECT_EQ(failures, 2u);
  EXPECT_EQ(strata_frames_get(100000, 0, 0), STRATA_NO_FRAME);
  SimMachine::close();
}

}  // namespace
