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
// The rest may be left to PlatformDefaults (platform_defaults.hpp), which says what it is for.
#pragma once

#include <concepts>
#include <cstdint>

#include "base/units.hpp"
#include "platform/platform_defaults.hpp"

namespace strata {

template <class P>
concept RequiredOfPlatform = requires(Address address, size_t bytes, typename P::Lock& lock) {
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

template <class P>
concept DefaultedByPlatform = requires(Address address, size_t bytes, void (*body)() noexcept,
                                       Atomic<std::uint32_t>& word, std::uint32_t number) {
  { P::commits_lazily } -> std::convertible_to<bool>;
  { P::max_annexes } -> std::convertible_to<unsigned>;
  { P::maps_large_blocks } -> std::convertible_to<bool>;
  { P::threads_end } -> std::convertible_to<bool>;
  { P::has_worker } -> std::convertible_to<bool>;
  { P::has_huge_pages } -> std::convertible_to<bool>;
  { P::has_modes } -> std::convertible_to<bool>;
  { P::parts_zero_sized } -> std::convertible_to<bool>;
  { P::cuts_strips } -> std::convertible_to<bool>;
  { P::tells_in_words } -> std::convertible_to<bool>;
  { P::misused(Problem::none, address) }
  noexcept;
  { P::decommit(address, bytes) }
  noexcept->std::same_as<bool>;
  { P::populate(address, bytes) }
  noexcept;
  { P::allow_huge_pages(address, bytes, true) }
  noexcept;
  { P::address_space_limit() }
  noexcept->std::same_as<size_t>;
  { P::remap(address, bytes, bytes) }
  noexcept->std::same_as<Address>;
  { P::start_worker(body) }
  noexcept->std::same_as<bool>;
  { P::wait(word, number, number) }
  noexcept;
  { P::wake(word) }
  noexcept;
};

template <class P>
concept Platform = RequiredOfPlatform<P> && DefaultedByPlatform<P>;

}  // namespace strata
