// MachinePlatform: what SpacePlatform and DirectPlatform, the heap's platforms on a PagedMachine,
// have in common.
//
// The heap keeps its bins in thread-local memory: each CPU needs a thread pointer of its own (see
// platform/kernel/thread_area.hpp) and must not be preempted inside a call. There are no threads
// that end, and no worker: whoever frees gives back.
#pragma once

#include "platform/paged_machine.hpp"
#include "platform/platform.hpp"

namespace strata {

template <PagedMachine M, class Self>
struct MachinePlatform : PlatformDefaults<Self> {
  using Lock = typename M::Lock;
  using CpuGuard = typename M::CpuGuard;
  static constexpr bool commits_lazily = false;
  static constexpr bool threads_end = false;
  static constexpr bool has_modes = false;
  static constexpr bool parts_zero_sized = false;
  static constexpr bool cuts_strips = false;
  static constexpr bool tells_in_words = false;

  static constexpr size_t page_size() noexcept { return frame_size; }
  static Address current_thread() noexcept { return Address(__builtin_thread_pointer()); }
  static std::uint64_t now() noexcept {
    if constexpr (requires { M::now(); }) {
      return M::now();
    } else {
      return 0;
    }
  }
  static void misused(Problem problem, Address address) noexcept { M::fail(problem, address); }
  [[noreturn]] static void fail(const char*) noexcept { __builtin_trap(); }
};

}  // namespace strata
