// Large blocks of hardened mode: runs of slots between guard pages; and mappings of their own for
// what does not fit in a run.
//
//   | guard | block ............ canary, rest of the last page | guard | rest of the run
//           address              size                            accessible
//
// `accessible` is rounded to pages. The run may be twice as long, so that it fits the next block of
// its class, which ends elsewhere: its guard is moved then. Addresses of one class are not given to
// another.
//
//   state    bytes                                    where
//   live     the program's                            its slot leads to the record
//   waiting  to 128 KiB: zero; above: inaccessible    queue, first in, first out, bounded by bytes
//                                                     or by number
//   ready    as waiting, or given back to the system  lists of its class
//
// What is done between two lives, and why by size, is large_rest.hpp's. Everything here is guarded
// by one lock, held over no system call, and not while a block is cleared or looked at.
#pragma once

#include "base/units.hpp"
#include "harden/record.hpp"
#include "ranges/slot_supply.hpp"

namespace strata::harden {

struct LargeBlock {
  enum class State : std::uint8_t { none, live, waiting, ready };

  Address address = 0;
  size_t size = 0;        // asked for
  size_t accessible = 0;  // bytes that may be touched while it lives
  size_t touched = 0;     // from the address on: bytes that may be in memory
  Slot* run = nullptr;    // nullptr: a mapping of its own, from `mapped`, `mapped_bytes` long
  Address mapped = 0;
  size_t mapped_bytes = 0;
  std::uint32_t slots = 0;  // of the run
  std::uint32_t lead = 0;   // of these, before the block
  State state = State::none;
  Form form = Form::malloc;
  bool guarded_before = false;  // a page cannot be touched
  bool guarded_behind = false;  // nor can the page behind its end
  bool closed = false;          // nor can its own, now that it is freed: they are guards
  bool shut = false;            // the same; but they keep what they hold
  std::uint32_t freed_by = 0;
  std::uint32_t ready_at = 0;      // since when it is ready, in ms
  LargeBlock* older = nullptr;     // the record made before this one; for good
  LargeBlock* next = nullptr;      // of the queue, the stack or the table of mappings
  LargeBlock* previous = nullptr;  // of the queue
};

// The block of a slot of the kind `checked_large`.
inline LargeBlock* large_of(const Slot* slot) noexcept {
  return static_cast<LargeBlock*>(slot->checked);
}

// The block reads zero.
void* allocate_large(size_t size, size_t alignment, Form form) noexcept;
void free_large(LargeBlock* block, void* pointer, Form form, size_t size) noexcept;
void* reallocate_large(LargeBlock* block, void* pointer, size_t size) noexcept;
// Bytes that were asked for; reports what is no live block, and says 0.
size_t size_of_large(LargeBlock* block, void* pointer) noexcept;

// The mapping that begins at the address, live or not; nullptr: none does.
LargeBlock* find_mapping(Address address) noexcept;
// Whether what stands behind the block's end is as it was put there.
bool large_canary_is_whole(const LargeBlock& block) noexcept;

// Calls visit(block) for each, live or not; to be called while no other thread uses the heap.
LargeBlock* newest_large() noexcept;
template <class Visit>
void for_each_large(Visit&& visit) noexcept {
  for (const LargeBlock* block = newest_large(); block != nullptr; block = block->older) {
    if (block->state != LargeBlock::State::none) visit(*block);
  }
}

// Any large block around the address, for messages. nullptr: none. A copy, since it may go away.
bool describe_around(Address address, LargeBlock& found) noexcept;

size_t trim_large() noexcept;
struct LargeUsage {
  size_t blocks = 0;  // live runs
  size_t bytes = 0;
  size_t mappings = 0;
  size_t mapped_bytes = 0;
};
// Where memory or addresses are short: all that waits or is ready goes. True: there was something.
bool give_back_large() noexcept;
LargeUsage large_usage() noexcept;
// Of blocks that are ready: bytes that may be in memory.
size_t ready_large_bytes() noexcept;
Machine::Lock& large_lock() noexcept;

}  // namespace strata::harden
