// TableMachine: a PagedMachine that calls through a C table of functions. See strata/kernel.h.
//
// One table a program, set before anything else and not changed. The lock is ours, a spin lock held
// inside the table's hold and release, so that a C kernel need not bring one.
#pragma once

#include "base/attributes.hpp"
#include "base/spin_lock.hpp"
#include "platform/paged_machine.hpp"
#include "strata/kernel.h"

namespace strata {

class TableMachine {
 public:
  static constexpr unsigned max_cpus = STRATA_MAX_CPUS;

  class CpuGuard {
   public:
    CpuGuard() noexcept : held_(hold()) {}
    ~CpuGuard() { release(held_); }
    CpuGuard(const CpuGuard&) = delete;
    CpuGuard& operator=(const CpuGuard&) = delete;

   private:
    std::uintptr_t held_;
  };

  class Lock {
   public:
    STRATA_NOINLINE void lock() noexcept {
      const std::uintptr_t held = hold();
      lock_.lock();
      held_ = held;
    }
    STRATA_NOINLINE void unlock() noexcept {
      const std::uintptr_t held = held_;
      lock_.unlock();
      release(held);
    }

   private:
    SpinLock lock_;
    std::uintptr_t held_ = 0;  // written by the owner
  };

  static void set(const strata_machine& table) noexcept { table_ = table; }

  static bool map(Address address, Frame frame, size_t pages, Access access) noexcept {
    return table_.map(address, frame.address(), pages, strata_access(access)) != 0;
  }
  static FrameRun unmap(Address address, size_t pages) noexcept {
    const strata_frames_run run = table_.unmap(address, pages);
    return {run.first == STRATA_NO_FRAME ? Frame{} : Frame::at(run.first), run.pages};
  }
  static void flush(Address address, size_t pages) noexcept { table_.flush(address, pages); }
  static void* direct(Frame frame) noexcept {
    return reinterpret_cast<void*>(table_.direct_base + frame.address());
  }
  static unsigned cpu() noexcept { return table_.cpu(); }
  static std::uint64_t now() noexcept { return table_.now != nullptr ? table_.now() : 0; }
  static void fail(Problem problem, Address address) noexcept {
    table_.fail(strata_problem(problem), address);
  }

 private:
  STRATA_NOINLINE static std::uintptr_t hold() noexcept {
    return table_.hold != nullptr ? table_.hold() : 0;
  }
  STRATA_NOINLINE static void release(std::uintptr_t held) noexcept {
    if (table_.release != nullptr) table_.release(held);
  }

  inline static strata_machine table_ = {};
};

static_assert(PagedMachine<TableMachine>);

}  // namespace strata
