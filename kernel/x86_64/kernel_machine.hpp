// The machine below Strata: x86-64 under QEMU, and what else the kernel asks of it.
//
//   direct map   0xffff800000000000 + physical address
//   window       0xffffc00000000000, 64 GiB of addresses for Space
//   cpu()        in the first word that GS leads to
//   flush        every other CPU reloads CR3; it answers an interrupt, or while it waits for a lock
#pragma once

#include "base/lock_guard.hpp"
#include "base/spin_lock.hpp"
#include "frames/frames.hpp"
#include "platform/kernel/x86_64/interrupts.hpp"
#include "platform/paged_machine.hpp"
#include "ranges/space.hpp"

namespace strata {

// A ticket lock with interrupts off inside. A waiter answers flush requests, since whoever holds
// the lock may be waiting for just that answer.
class KernelLock {
 public:
  constexpr KernelLock() noexcept = default;
  void lock() noexcept;
  void unlock() noexcept;

 private:
  Atomic<std::uint32_t> next_;
  Atomic<std::uint32_t> serving_;
  bool interrupts_ = false;  // were they on? written by the owner
};

class KernelMachine {
 public:
  static constexpr unsigned max_cpus = 8;
  static constexpr Address direct_base = 0xffff800000000000;
  static constexpr Address window_base = 0xffffc00000000000;
  static constexpr size_t window_bytes = 64 * GiB;
  static constexpr std::uint64_t boot_mapped = 4 * GiB;

  using Lock = KernelLock;
  using CpuGuard = InterruptGuard;

  static bool map(Address address, Frame frame, size_t pages, Access access) noexcept;
  static FrameRun unmap(Address address, size_t pages) noexcept;
  static void flush(Address address, size_t pages) noexcept;
  static void* direct(Frame frame) noexcept {
    return reinterpret_cast<void*>(direct_base + frame.address());
  }
  static unsigned cpu() noexcept {
    unsigned number;
    asm volatile("movl %%gs:0, %0" : "=r"(number));
    return number;
  }
  static void fail(Problem problem, Address address) noexcept;
  static std::uint64_t now() noexcept;

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

void set_up_first_cpu() noexcept;
void console_put(char one) noexcept;
[[noreturn]] void finish(bool passed) noexcept;
[[noreturn]] void panic(const char* why) noexcept;
// Starts the other CPUs; each calls `main(number)` for ever after. Returns how many run in all.
unsigned start_cpus(unsigned wanted, Frames& frames, void (*main)(unsigned)) noexcept;
// Waits for an interrupt, unless ready() says that there is work: both in one step.
void sleep_unless(bool (*ready)()) noexcept;
// Interrupts all other CPUs: those that sleep look for work.
void wake_cpus() noexcept;
// Makes this CPU's thread pointer lead to an area built at `memory`.
void set_thread_area(void* memory) noexcept;
size_t thread_area_size() noexcept;
// The TLB requests of other CPUs: answers one if there is any.
void answer_flush() noexcept;

}  // namespace kernel

extern "C" {
// Reads one byte; false when that faults.
bool probe(const void* address);
// Physical addresses of what boot.S keeps below the kernel.
extern const struct { std::uint64_t root, ap_start, ap_start_end, ap_limit; } boot_addresses;
}
