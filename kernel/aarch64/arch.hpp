// What KernelMachine takes from aarch64.
//
//   cpu()   in TPIDR_EL1; the thread pointer is TPIDR_EL0, as compilers assume when not told better
//   flush   one broadcast instruction a page: the CPUs do it among themselves
#pragma once

#include "platform/kernel/aarch64/interrupts.hpp"
#include "platform/kernel/aarch64/page_format.hpp"
#include "platform/kernel/interrupt_lock.hpp"

namespace kernel {

struct Arch {
  using Lock = strata::InterruptLock<strata::aarch64::Interrupts>;
  using CpuGuard = strata::InterruptGuard<strata::aarch64::Interrupts>;
  using PageFormat = strata::aarch64::PageFormat;

  static unsigned cpu() noexcept {
    std::uint64_t number;
    asm volatile("mrs %0, tpidr_el1" : "=r"(number));
    return unsigned(number);
  }
  static std::uint64_t now() noexcept;
  static void flush(strata::Address address, strata::size_t pages) noexcept;
  static strata::Frame root() noexcept;
  static bool has_gib_pages() noexcept { return true; }
};

}  // namespace kernel
