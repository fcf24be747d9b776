// What hardened mode says when it finds an error; one line each, in the words of heap/report.hpp.
// All return when STRATA_ON_ERROR=report, else they end the program.
#pragma once

#include "base/attributes.hpp"
#include "harden/record.hpp"
#include "ranges/slot.hpp"

namespace strata::harden {

struct Slab;

// The pointer is none of a live small block's: freed, inside, or never handed out.
STRATA_COLD void report_no_block(Slot* slot, const void* pointer, bool frees) noexcept;
// The block was freed by another family than it was asked from.
STRATA_COLD void report_family(const void* block, size_t size, Form asked, Form freed) noexcept;
STRATA_COLD void report_size(const void* block, size_t size, size_t said) noexcept;
// Bytes behind the block's end; `when`: what found them.
STRATA_COLD void report_overflow(const void* block, size_t size, const char* when) noexcept;
// A free block's byte is no longer zero. `thread`: who freed it, the system's number; 0: not known.
STRATA_COLD void report_write_after_free(const void* block, size_t size, std::uint32_t thread,
                                         const char* when) noexcept;

}  // namespace strata::harden
