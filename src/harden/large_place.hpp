// Where a large block of hardened mode lies, before, in and after its life: in a run of slots, with
// guards around it, or in a mapping of its own.
#pragma once

#include "harden/large.hpp"

namespace strata::harden {

// Beyond this a block is a mapping of its own.
constexpr size_t largest_run = 1 * GiB;

// nullptr: memory is refused. The block reads zero and has no life yet.
LargeBlock* open_run(size_t accessible, size_t alignment) noexcept;
LargeBlock* open_mapping(size_t size, size_t alignment) noexcept;
// The run serves whatever comes, in every mode: where addresses are few, or there are too many of
// its class.
void close_run(LargeBlock* block) noexcept;
void close_mapping(LargeBlock* block) noexcept;

}  // namespace strata::harden
