// KernelMachine: the machine below Strata, the same for every architecture but for its Arch.
//
//   direct map   0xffff800000000000 + physical address
//   window       0xffffc00000000000, 64 GiB of addresses for Space; another one behind it
//
// Arch (<architecture>/arch.hpp) brings what differs: the lock and the guard, cpu(), now(),
// flush(), the format of page tables and where the first of them stands.
#pragma once

#include "arch.hpp"
#include "frames/frames.hpp"
#include "ranges/space.hpp"

namespace strata {

class KernelMachine : public kernel::Arch {
 public:
  static constexpr unsigned max_cpus = 8;
  static constexpr Address direct_base = 0xffff800000000000;
  static constexpr Address window_base = 0xffffc00000000000;
  static constexpr size_t window_bytes = 64 * GiB;
  // What the boot code's tables map: all of it below 4 GiB.
  static constexpr std::uint64_t boot_mapped = 4 * GiB;

  static bool map(Address address, Frame frame, size_t pages, Access access) noexcept;
  static FrameRun unmap(Address address, size_t pages) noexcept;
  static void* direct(Frame frame) noexcept {
    return reinterpret_cast<void*>(direct_base + frame.address());
  }
  static void fail(Problem problem, Address address) noexcept;

  // ---- for the kernel ----
  static void set_frames(Frames<KernelMachine>* frames) noexcept;
  // Extends the direct map over memory that the boot tables do not reach.
  static bool map_direct(MemorySpan span) noexcept;
  static size_t page_tables() noexcept;
  // Makes the n-th call of map() from now on fail; 0: none.
  static void fail_map_at(long nth) noexcept;
  // fail() counts instead of stopping while a proof expects it to be called.
  static void expect_problems(bool expected) noexcept;
  static unsigned problems() noexcept;
};

static_assert(PagedMachine<KernelMachine>);

}  // namespace strata

namespace kernel {

using Machine = strata::KernelMachine;
using Frames = strata::Frames<Machine>;
using Space = strata::Space<Machine>;

}  // namespace kernel
