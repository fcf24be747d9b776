// What to try: the last line of a report that tells more than one.
//
//   strata:   help: the block was given back before. Give it one owner, or ...
#pragma once

#include "base/attributes.hpp"

namespace strata::harden {

// `report`: its first line, "strata: error: ...". The error is one of a block in use, or of one that
// is just being freed: an earlier free of that place says nothing about it.
STRATA_COLD bool is_of_live_block(const char* report) noexcept;
// Says what to try, and in the process's first report how the places get names. Nothing for an
// error that needs no advice.
STRATA_COLD void tell_help(const char* report) noexcept;

}  // namespace strata::harden
