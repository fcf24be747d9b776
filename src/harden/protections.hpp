// Which protections hardened mode has: all of them. A library that is built to measure what one
// costs goes without it (cmake/protections.cmake), so that those who do not measure pay no test.
#pragma once

namespace strata::harden {

enum class Protection : int {
  canaries = 1,  // behind each block, looked at when it is freed
  clearing,      // of small blocks when they are freed, and so the look at them before reuse
  reuse_check,   // that look alone: it finds writes after free
  random_place,  // which free block of a slab is handed out; who leaves the first quarantine
  quarantine,    // freed small blocks wait before they are handed out again
  guards,        // pages that cannot be touched, at slabs and around large blocks
  origin         // who gets a block back by which function, and with what size
};

#ifdef STRATA_WITHOUT
inline constexpr int missing_protection = STRATA_WITHOUT;
#else
inline constexpr int missing_protection = 0;
#endif

constexpr bool has(Protection protection) noexcept {
  return int(protection) != missing_protection &&
         !(protection == Protection::reuse_check &&
           int(Protection::clearing) == missing_protection);
}

}  // namespace strata::harden
