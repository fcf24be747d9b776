// What Strata asks of the machine below it: the Platform concept, in code and in words.
//
// A port is one class with static functions that satisfies this concept. Everything above this
// folder is the same code in a Linux process, in a simulation and in a kernel.
//
// The six required functions:
//
//   reserve(bytes, alignment)  Address space, not usable yet, aligned; 0 when refused. `bytes` is a
//                              multiple of page_size(), alignment a power of two >= page_size().
//   release(address, bytes)    Gives address space back. The range was reserved (in one piece or
//                              in adjacent ones) and nothing uses it any more.
//   commit(address, bytes)     Makes pages readable and writable; they read zero until written.
//                              False when memory is refused: then nothing has changed. Pages that
//                              are committed already keep their contents.
//   purge(address, bytes)      Drops the contents; the pages stay committed and read zero when next
//                              touched. False when the system refuses: contents are then undefined.
//   current_thread()           A non-zero number no two live threads share, the same for a
//                              thread's whole life. One instruction: it stands in the hot path.
//   now()                      Milliseconds that never run backwards. Cheap (tens of instructions).
//
// and: page_size(), a run-time value; Lock, a type with lock() and unlock() that is valid when all
// zero; fail(text), which reports corruption and does not return. None of them may allocate through
// Strata. All are callable from any thread.
//
// Two things a port may say besides:
//
//   struct EagerCommit {};  commit() takes the memory at once (a kernel's frames) and not with the
//                           first touch, and purge() leaves the pages uncommitted. Then runs of
//                           slots are committed when they are taken, again after a purge.
//   max_annexes             a constant: how many further ranges may follow the first one. Each
//   costs
//                           6 KiB of static memory.
#pragma once

#include <concepts>
#include <cstdint>

#include "base/units.hpp"

namespace strata {

template <class P>
concept Platform = requires(Address address, size_t bytes, typename P::Lock& lock) {
  { P::page_size() }
  noexcept->std::same_as<size_t>;
  { P::reserve(bytes, bytes) }
  noexcept->std::same_as<Address>;
  { P::release(address, bytes) }
  noexcept;
  { P::commit(address, bytes) }
  noexcept->std::same_as<bool>;
  { P::purge(address, bytes) }
  noexcept->std::same_as<bool>;
  { P::current_thread() }
  noexcept->std::same_as<Address>;
  { P::now() }
  noexcept->std::same_as<std::uint64_t>;
  { P::fail("") }
  noexcept;
  lock.lock();
  lock.unlock();
};

// Gives pages and what they are charged for back; the addresses stay reserved, and must be
// committed before they are used again. A platform without decommit() purges.
template <class P>
bool decommit(Address address, size_t bytes) noexcept {
  if constexpr (requires { P::decommit(address, bytes); }) {
    return P::decommit(address, bytes);
  } else {
    return P::purge(address, bytes);
  }
}

template <class P>
constexpr bool commits_lazily = !requires {
  typename P::EagerCommit;
};

template <class P>
constexpr unsigned most_annexes() noexcept {
  if constexpr (requires { P::max_annexes; }) {
    return P::max_annexes;
  } else {
    return 63;
  }
}

}  // namespace strata
