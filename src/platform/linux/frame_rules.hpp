// Frame rules: how to get from a place in the code to its caller, read from the tables that
// compilers leave in programs (.eh_frame).
//
// A full unwinder restores every register. To list callers three are enough: the program counter,
// the stack pointer and the frame pointer. So a rule is small, fits in a word and can be
// remembered; tables that want more than a rule can say are taken for missing. x86-64 only:
// elsewhere code keeps frame pointers.
//
// Reads the module's tables and nothing else: no allocation, no locks, no libc. About 500
// instructions.
#pragma once

#include "base/units.hpp"

namespace strata::unwind {

struct Rule {
  // Where the caller's stack pointer was before the call: the canonical frame address, CFA. The
  // return address stands in the 8 bytes below it.
  enum class Frame : std::uint8_t {
    unknown,    // no table, or one that says more than this
    outermost,  // nobody called this
    by_sp,      // sp + offset
    by_fp,      // fp + offset
    at_fp,      // what stands at fp + offset (functions that align their stack)
  };
  // Where the caller's frame pointer is.
  enum class Pointer : std::uint8_t {
    same,    // in its register
    by_cfa,  // at CFA + pointer_offset
    by_fp,   // at fp + pointer_offset
    lost,
  };

  Frame frame = Frame::unknown;
  Pointer pointer = Pointer::same;
  std::int16_t pointer_offset = 0;
  std::int32_t offset = 0;
};
static_assert(sizeof(Rule) == 8);

// The rule for the instruction at `pc`. `header`: the module's .eh_frame_hdr.
Rule rule_for(Address pc, Address header) noexcept;

}  // namespace strata::unwind
