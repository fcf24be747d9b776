// Memory for what hardened mode knows: away from the program's blocks, between guards of its own.
//
// take_memory(bytes) hands out zeroed pieces of chunks that never go back; what is recycled is
// recycled by its owner. take_guarded(bytes) reserves a piece of its own, inaccessible pages before
// and behind it.
#pragma once

#include "base/units.hpp"
#include "platform/current.hpp"

namespace strata::harden {

// Aligned to 64. nullptr: memory is refused. Takes the metadata lock.
void* take_memory(size_t bytes) noexcept;
void* take_guarded(size_t bytes) noexcept;

size_t memory_bytes() noexcept;  // handed out so far
// Whether the address lies in what was taken. Slow, for the search for leaks.
bool is_own_memory(Address address) noexcept;
Machine::Lock& memory_lock() noexcept;

}  // namespace strata::harden
