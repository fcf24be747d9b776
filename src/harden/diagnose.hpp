// Diagnose mode: hardened mode, and everything that is known is told. Each block has the stacks of
// its allocation and its free (history.hpp); a report tells them, where the error was found, and
// what to try. An access that faults in the heap is reported. When the process gets SIGUSR2 the
// heap is looked over, at the next call of the thread that makes one first; when it ends too, and
// then the blocks that nothing points to are told, by who allocated them (leaks.hpp).
//
//   strata: error: double free of 0x7f12a0400030 (48-byte block, freed before by thread 1234)
//   strata:   found by thread 1234 at
//   strata:     /usr/bin/program+0x1190
//   strata:   allocated by thread 1234 at
//   strata:     /usr/bin/program+0x1170
//   strata:   freed by thread 1234 at
//   strata:     /usr/bin/program+0x1180
//   strata:   help: the block was given back before; ...
//
// `strata explain` turns the places into functions and lines. Cost: a call walks the stack, some
// 1000 instructions; 16 bytes a block, and pages where they lie.
#pragma once

#include "heap/mode.hpp"

namespace strata::harden {

extern const heap::ModeCalls diagnose_calls;

// After prepare(), before the mode starts.
void prepare_diagnosis() noexcept;

}  // namespace strata::harden
