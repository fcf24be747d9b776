// Record: what is known of one small block. 16 bits, so that a slab's records are few cache lines,
// and a word of its own, so that two threads never write the same one unless they have one block.
//
//   bit 15    1: live
//   live      bits 14-13 Form, bits 12-0 slack: bytes of the block that were not asked for
//   not live  bits 12-0  number of the thread that freed it, 0: not known, or never handed out
#pragma once

#include "heap/mode.hpp"

namespace strata::harden {

using heap::Form;

struct Record {
  static constexpr std::uint16_t live_bit = 0x8000;
  static constexpr unsigned form_shift = 13;
  static constexpr std::uint16_t low_bits = 0x1fff;

  std::uint16_t bits = 0;

  static constexpr Record live(Form form, size_t slack) noexcept {
    return {std::uint16_t(live_bit | unsigned(form) << form_shift | slack)};
  }
  static constexpr Record freed_by(std::uint16_t thread) noexcept { return {thread}; }

  [[nodiscard]] constexpr bool is_live() const noexcept { return (bits & live_bit) != 0; }
  [[nodiscard]] constexpr bool is_live_of(Form form) const noexcept {
    return bits >> form_shift == (live_bit >> form_shift | unsigned(form));
  }
  [[nodiscard]] constexpr Form form() const noexcept { return Form(bits >> form_shift & 3U); }
  [[nodiscard]] constexpr size_t slack() const noexcept { return bits & low_bits; }
  [[nodiscard]] constexpr unsigned freed_by() const noexcept { return bits & low_bits; }
};
static_assert(sizeof(Record) == 2);

constexpr size_t largest_slack = Record::low_bits;
constexpr unsigned largest_thread_number = Record::low_bits;

}  // namespace strata::harden
