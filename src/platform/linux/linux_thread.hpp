// LinuxThread and FutexBell: what a region's worker needs of Linux. See region/region_worker.hpp.
//
// FutexBell is one word, fit for memory that several processes share. ring() costs one exchange,
// and a system call only if the bell was not rung yet: somebody may sleep then.
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/atomic.hpp"
#include "base/units.hpp"
#include "platform/linux/raw_syscall.hpp"

namespace strata {

class FutexBell {
 public:
  void ring() noexcept {
    // Release pairs with the acquire in wait(): who hears it sees what was done before.
    if (rung_.exchange(1, Order::acq_rel) == 0) raw::call(SYS_futex, long(&rung_), FUTEX_WAKE, 1);
  }
  void wait(std::uint32_t milliseconds) noexcept {
    if (rung_.exchange(0, Order::acq_rel) != 0) return;
    const timespec limit{time_t(milliseconds / 1000), long(milliseconds % 1000) * 1000000};
    raw::call(SYS_futex, long(&rung_), FUTEX_WAIT, 0, milliseconds == 0 ? 0 : long(&limit));
    rung_.exchange(0, Order::acq_rel);
  }
  static void yield() noexcept { sched_yield(); }

 private:
  Atomic<std::uint32_t> rung_;  // 1: rung and not heard yet
};

class LinuxThread {
 public:
  bool start(void (*body)(void*) noexcept, void* argument) noexcept {
    body_ = body;
    argument_ = argument;
    const auto enter = [](void* self) -> void* {
      auto* const thread = static_cast<LinuxThread*>(self);
      thread->body_(thread->argument_);
      return nullptr;
    };
    return pthread_create(&thread_, nullptr, enter, this) == 0;
  }
  void join() noexcept { pthread_join(thread_, nullptr); }

 private:
  void (*body_)(void*) noexcept = nullptr;
  void* argument_ = nullptr;
  pthread_t thread_{};
};

}  // namespace strata
