// Leaks: blocks that are live when the process ends, and that nothing points to any more.
//
// Every word of the program's writable memory that is the address of a live block, or of a byte
// inside one, keeps it; then what that block holds is looked at in turn. So a number that looks
// like an address may hide a leak, and a pointer kept in a form that is none (xor, a file) makes
// one that is none: such is all searching without the program's types. Registers of other threads
// are not seen. Blocks above 1 GiB count as kept, and what they hold is not looked at.
//
//   strata: leak: 3 blocks, 144 bytes that nothing points to
//   strata:   allocated by thread 1234 at
//   strata:     /usr/bin/program+0x1170
//   strata: leaks: 3 blocks, 144 bytes in 1 places; 20 blocks, 80000 bytes are still pointed to
//
// Cost: reads what is resident once; eight bytes a live block meanwhile.
#pragma once

#include "base/attributes.hpp"

namespace strata::harden {

// Nothing is said when there are none.
STRATA_COLD void tell_leaks() noexcept;

}  // namespace strata::harden
