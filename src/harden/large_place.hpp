// Where a large block of hardened mode lies, before, in and after its life: in a run of slots, with
// guards around it, or in a mapping of its own.
#pragma once

#include "base/bits.hpp"
#include "harden/large.hpp"

namespace strata::harden {

// Beyond this a block is a mapping of its own.
constexpr size_t largest_run = 1 * GiB;

// Runs are of classes: `steps` of them a doubling. A run serves blocks of its class only, wherever in
// it they end; the guard behind them moves.
constexpr unsigned class_steps = 1;
constexpr size_t least_capacity = 64 * KiB;
constexpr unsigned class_total = (31 - 16) * class_steps;
constexpr size_t capacity_for(size_t accessible) noexcept {
  if (accessible <= least_capacity) return least_capacity;
  return align_up(accessible, std::bit_floor(accessible - 1) / class_steps);
}
constexpr unsigned class_of_capacity(size_t capacity) noexcept {
  const unsigned power = log2_floor(capacity);
  const size_t within = (capacity - (size_t{1} << power)) * class_steps >> power;
  return (power - 16) * class_steps + unsigned(within);
}

// nullptr: memory is refused. The block reads zero and has no life yet.
LargeBlock* open_run(size_t accessible, size_t alignment) noexcept;
LargeBlock* open_mapping(size_t size, size_t alignment) noexcept;
// The run serves whatever comes, in every mode: where addresses are few, or there are too many of
// its class.
void close_run(LargeBlock* block) noexcept;
void close_mapping(LargeBlock* block) noexcept;
// A run's block, which is not live, ends elsewhere from now on. False: its guard cannot be taken away.
bool move_end(LargeBlock* block, size_t accessible) noexcept;

}  // namespace strata::harden
