// The region heap in C++: strata::Region over memory you give it, every policy a type.
//
// Freestanding-clean: no libc, no exceptions, no RTTI, nothing at start-up. See
// docs/guide/region.md.
//
//   alignas(16) static char memory[1 << 20];
//   strata::Region<> region(memory, sizeof memory);
//   void* p = region.allocate(100);
//   region.free(p);
#pragma once

#include "region/policies.hpp"
#include "region/profiles.hpp"
#include "region/region.hpp"
#include "region/words.hpp"
