// PagedMachine: all that frames and ranges ask of a machine, in code and in words.
//
// A port to a kernel, a hypervisor or a board is one class with six static functions, two types and
// a constant. None of the functions may allocate through Strata's ranges or heap; map() may take
// frames from Strata's frames (for page tables). All may be called on any CPU.
//
//   map(address, frame, pages, access) -> bool
//       Before: [address, + pages) lies in a range the kernel gave to Strata and holds no
//       translation; [frame, + pages) are frames handed out by Strata's frames.
//       After, true: page i reads and writes frame + i. May use larger entries where both sides are
//       aligned. False: nothing has changed (but tables taken on the way may stay for later use).
//   unmap(address, pages) -> FrameRun
//       Removes translations from `address` on, as far as they lead to consecutive frames, at most
//       `pages` (>= 1) of them, and returns those frames. A run without first frame says that so
//       many pages held nothing; a count of 0 that a larger entry could not be split for want of a
//       frame, and nothing has changed. Stale translations may live on until flush().
//   flush(address, pages)
//       After: no CPU uses a translation of these pages that unmap() has removed.
//   direct(frame) -> void*
//       Where this frame can be read and written at any time (the direct map). Linear: frame n is
//       n * 4096 bytes behind frame 0's place, whether or not there is a frame 0.
//   cpu() -> unsigned
//       The number of this CPU, below max_cpus; stable while a CpuGuard lives.
//   fail(problem, address)
//       Corruption was found: a double free, a foreign address. The machine decides: stop, or
//       report and return; then the call that found it does nothing and returns false.
//
//   Lock      lock(), unlock(); valid when all zero. Where interrupt handlers allocate, it must
//             save and disable interrupts. Several are held at once (a zone's lanes) and let go in
//             the opposite order.
//   CpuGuard  while one lives, nothing else runs on this CPU that calls Strata: preemption (and,
//             where handlers allocate, interrupts) off. Empty where a CPU number is a thread's own.
//
// Optional: now(), milliseconds that never run backwards. Without it the heap gives memory back by
// amount alone, not by time.
#pragma once

#include <concepts>

#include "base/frame.hpp"
#include "base/units.hpp"
#include "platform/problem.hpp"

namespace strata {

enum class Access : std::uint8_t { read_write, read_only, execute };

template <class M>
concept PagedMachine = requires(Address address, Frame frame, size_t pages, Access access,
                                Problem problem, typename M::Lock& lock) {
  { M::max_cpus } -> std::convertible_to<unsigned>;
  typename M::CpuGuard;
  { M::map(address, frame, pages, access) }
  noexcept->std::same_as<bool>;
  { M::unmap(address, pages) }
  noexcept->std::same_as<FrameRun>;
  { M::flush(address, pages) }
  noexcept;
  { M::direct(frame) }
  noexcept->std::same_as<void*>;
  { M::cpu() }
  noexcept->std::same_as<unsigned>;
  { M::fail(problem, address) }
  noexcept;
  lock.lock();
  lock.unlock();
};

}  // namespace strata
