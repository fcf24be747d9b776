// SimMachine: a machine made of a Linux process, so that every storey runs under sanitizers.
//
//   RAM            a memfd; frame n is its bytes [n * 4096, + 4096). Sparse: 512 GiB cost nothing
//   direct map     the whole memfd mapped once
//   page table     mmap(MAP_FIXED) of the memfd into a window of addresses, and an array that
//                  remembers which frame stands where
//   TLB            a table of frames that were unmapped and not flushed yet. Mapping such a frame
//                  anew is the bug "frame freed before its flush", and is counted
//   CPU            a thread takes a number when it first asks, and keeps it
//   large entries  2 MiB that were mapped at once; unmapping part of one splits it first
//   failures       any call of map(), and any split, can be made to fail; fail() counts what it is
//                  told
//
// One at a time: open(), use, close(). Linux allows about 65,000 scattered mappings a process.
// Not for programs: it is what tests and benchmarks stand on.
#pragma once

#include <atomic>

#include "base/atomic.hpp"
#include "platform/paged_machine.hpp"

namespace strata {

class SimMachine {
 public:
  static constexpr unsigned max_cpus = 16;

  // Spins, then yields: threads outnumber processors here.
  class Lock {
   public:
    void lock() noexcept {
      for (unsigned spins = 0; taken_.exchange(1, Order::acquire) != 0;) {
        while (taken_.load(Order::relaxed) != 0) {
          if (++spins % 128 == 0) {
            yield();
          } else {
            cpu_relax();
          }
        }
      }
    }
    // Release pairs with the acquire in lock().
    void unlock() noexcept { taken_.store(0, Order::release); }

   private:
    Atomic<unsigned> taken_;
  };
  struct CpuGuard {
    CpuGuard() noexcept {}
  };

  // ---- PagedMachine ----
  static bool map(Address address, Frame frame, size_t pages, Access access) noexcept;
  static FrameRun unmap(Address address, size_t pages) noexcept;
  static void flush(Address address, size_t pages) noexcept;
  static void* direct(Frame frame) noexcept { return direct_ + frame.address(); }
  static unsigned cpu() noexcept { return cpu_ != 0 ? cpu_ - 1 : new_cpu(); }
  static void fail(Problem problem, Address address) noexcept;

  // ---- for tests ----
  static void open(size_t ram_bytes, size_t window_bytes);
  static void close();
  static Address window() noexcept { return window_; }
  static size_t window_bytes() noexcept { return window_pages_ * frame_size; }
  // The n-th call of map() from now on fails (1 is the next); 0: none does.
  static void fail_map_at(long nth) noexcept { fail_map_at_ = nth; }
  // The same for unmap()'s splitting of large entries.
  static void fail_split_at(long nth) noexcept { fail_split_at_ = nth; }
  // Whether the call that shall fail is still to come.
  static bool failure_is_due() noexcept { return fail_map_at_ > 0 || fail_split_at_ > 0; }
  static long map_calls() noexcept { return map_calls_; }
  static long flush_calls() noexcept { return flush_calls_; }
  // Frames that were mapped again before the flush of their last unmapping.
  static long stale_uses() noexcept { return stale_uses_; }
  static size_t mapped_pages() noexcept;
  // What fail() was told since the last call.
  static Problem last_problem() noexcept;
  static unsigned problems() noexcept { return problems_; }

 private:
  static unsigned new_cpu() noexcept;
  static void yield() noexcept;

  static unsigned char* direct_;
  static Address window_;
  static size_t window_pages_;
  static std::atomic<long> fail_map_at_, fail_split_at_, map_calls_, flush_calls_, stale_uses_;
  static std::atomic<unsigned> problems_;
  static std::atomic<Problem> last_problem_;
  static inline thread_local constinit unsigned cpu_ = 0;  // number + 1
};

static_assert(PagedMachine<SimMachine>);

}  // namespace strata
