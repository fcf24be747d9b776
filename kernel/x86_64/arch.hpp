// What KernelMachine takes from x86-64.
//
//   cpu()   in the first word that GS leads to
//   flush   every other CPU reloads CR3; it answers an interrupt, or while it waits for a lock
#pragma once

#include "platform/kernel/interrupt_lock.hpp"
#include "platform/kernel/x86_64/interrupts.hpp"
#include "platform/kernel/x86_64/page_format.hpp"

namespace kernel {

// The TLB requests of other CPUs: answers one if there is any.
void answer_flush() noexcept;

struct AnswerFlushes {
  static void once() noexcept { answer_flush(); }
};

struct Arch {
  // Whoever holds the lock may be waiting for this CPU to flush.
  using Lock = strata::InterruptLock<strata::x86_64::Interrupts, AnswerFlushes>;
  using CpuGuard = strata::InterruptGuard<strata::x86_64::Interrupts>;
  using PageFormat = strata::x86_64::PageFormat;

  static unsigned cpu() noexcept {
    unsigned number;
    asm volatile("movl %%gs:0, %0" : "=r"(number));
    return number;
  }
  static std::uint64_t now() noexcept;
  static void flush(strata::Address address, strata::size_t pages) noexcept;
  static strata::Frame root() noexcept;
  static bool has_gib_pages() noexcept;
};

}  // namespace kernel
