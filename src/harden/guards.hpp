// Guards: pages that cannot be touched, between what the program can reach.
//
// Two ways to have one. A marker (Linux 6.13, MADV_GUARD_INSTALL) costs no mapping; where the
// kernel has none, or refuses it (a filter of system calls, locked memory), a protection (mprotect)
// splits the mapping around it, and of mappings a process has few (vm.max_map_count, 65530): so of
// these there are at most a quarter as many. What cannot be guarded is not: one warning says so.
//
// Thread-safe, no locks.
#pragma once

#include "base/units.hpp"

namespace strata::harden {

// Makes pages inaccessible; what they held is gone. False: refused, nothing is changed.
bool install_guard(Address address, size_t bytes) noexcept;
// Makes what install_guard made inaccessible accessible again; it reads zero. False: refused.
bool remove_guard(Address address, size_t bytes) noexcept;

// Makes pages inaccessible for a while; they keep what they hold, and stay in memory. Each is a
// mapping of its own for the system, so there are at most a quarter as many as guards by protection.
// False: refused, or too many.
bool shut_pages(Address address, size_t bytes) noexcept;
bool reopen_pages(Address address, size_t bytes) noexcept;
// What was shut becomes a guard, and its pages go. False: there are no markers; it is shut still.
bool turn_into_guard(Address address, size_t bytes) noexcept;

// Protections that are not to be had: one line each, the first time.
enum class Shrinks : unsigned { guards, class_addresses, randomness, samples, histories };
void warn_once(Shrinks what) noexcept;

}  // namespace strata::harden
