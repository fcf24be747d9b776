// Reports: what is said when a program misuses its heap. One line that says what was done, to which
// pointer, and what that pointer is; then the program ends, unless it shall go on
// (STRATA_ON_ERROR).
//
//   strata: error: double free of 0x7f12a0400030 (48-byte block, freed before by thread 1234)
//   strata: error: invalid free of 0x7f12a0400050 (not a block: 16 bytes inside a 160-byte block at
//   0x7f12a0400040)
//
// Nothing here allocates or locks but the system's own; it may run in a signal handler and in a
// forked child.
#pragma once

#include "base/attributes.hpp"
#include "base/print.hpp"

namespace strata::heap {

struct ReportSettings {
  bool go_on = false;  // after a report: the call that was wrong does nothing
  // What a mode has to say besides, below a report's line: `about` is the block, null: none.
  void (*details)(const Line& line, const void* about) noexcept = nullptr;
};
inline ReportSettings report_settings;

enum class Misuse { double_free, invalid_free, invalid_pointer, write_after_free };

// Says what the pointer is. Returns only where the program shall go on.
STRATA_COLD void report(Misuse misuse, const void* pointer) noexcept;

// Delivers a report's line, its newline included, to where reports go. Returns as report does.
STRATA_COLD void deliver(const Line& line, const void* about = nullptr) noexcept;
// The same in two steps, for who has more lines to say.
STRATA_COLD void say(const Line& line) noexcept;
STRATA_COLD void end_report() noexcept;

// What an address that is none of the heap's is: "a stack address", "a global variable of NAME",
// "not Strata's memory".
void describe_foreign(Line& line, Address address) noexcept;

}  // namespace strata::heap
