// Where large blocks rest between two lives: freed runs and mappings, and what is done to their
// pages meanwhile.
//
//              to 128 KiB      to half the dirty limit    above, or where none can be shut
//   freed      cleared         shut: they keep their       guards, pages gone
//                              pages, and fault
//   waits      by bytes        by bytes                    by number
//   used anew  looked at       cleared                     zero, freshly faulted in
//
// By size, because of what each costs for a page in memory (AMD EPYC, virtual machine): given back
// and faulted in again 1.4 us; shut and opened 0.04, and 5 once; cleared and looked at, in the
// processor's cache, 0.04. What was never touched must not be: so what was shut asks which of its
// pages there are.
//
// Runs that have waited are ready for the next block of their class: one of the last four, by
// chance. They keep their pages up to the dirty limit, or a quarter of what is live, and for the
// purge delay: beyond, the oldest give theirs back. Guarded by large_lock(), held over no system
// call.
#pragma once

#include "harden/large.hpp"

namespace strata::harden {

// The block has ended its life.
void put_run_to_rest(LargeBlock* block) noexcept;
void put_mapping_to_rest(LargeBlock* block) noexcept;
// A run that is ready, made to hold `accessible` bytes that read zero; nullptr: there is none.
LargeBlock* take_rested(size_t accessible) noexcept;

}  // namespace strata::harden
