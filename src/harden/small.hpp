// Small blocks of hardened mode: the hot paths. See harden.hpp for the states.
//
// allocate and free are what the mode's table calls; they call nothing but what they end with, so
// that they need no stack. Of a warm pair of calls they are some 100 instructions.
#pragma once

#include "harden/bytes.hpp"
#include "harden/thread.hpp"

namespace strata::harden {

// Sizes to this are small: with a byte of canary at least.
constexpr size_t largest_guarded = largest_small - 1;

STRATA_HIDDEN extern Canary canary;

void* allocate(size_t size, Form form) noexcept;
void free(void* pointer, Form form, size_t size) noexcept;

// A block of the class, which holds `size` and one byte more.
void* allocate_small(unsigned c, size_t size, Form form) noexcept;
// `slot` is of the kind `checked_slab`. Whether a live block begins at the pointer; if not it is
// reported.
bool check_small(Slot* slot, void* pointer) noexcept;
// Of a block that is live: bytes that were asked for.
size_t size_of_small(Slot* slot, void* pointer) noexcept;
// As free, for a slot outside of the primary range.
void free_in_annex(Slot* slot, void* pointer, Form form, size_t size) noexcept;
// What check_small has let pass.
void* reallocate_small(Slot* slot, void* pointer, size_t size) noexcept;

// Everything that is no small block of hardened mode (mode.cpp).
STRATA_NOINLINE void free_other(void* pointer, Form form, size_t size) noexcept;

}  // namespace strata::harden
