// Line: builds one line of text in place, without allocation, libc or locks. What does not fit is
// cut off. For messages from places where nothing else may be called.
#pragma once

#include "base/units.hpp"

namespace strata {

class Line {
 public:
  Line& text(const char* text) noexcept {
    while (*text != 0) put(*text++);
    return *this;
  }
  // At most `most` letters of it, so that what follows still fits.
  Line& text(const char* text, size_t most) noexcept {
    for (; *text != 0 && most != 0; --most) put(*text++);
    return *this;
  }
  Line& number(std::uint64_t value) noexcept {
    char digits[20];
    unsigned count = 0;
    do {
      digits[count++] = char('0' + value % 10);
      value /= 10;
    } while (value != 0);
    while (count != 0) put(digits[--count]);
    return *this;
  }
  Line& hex(Address value) noexcept {
    text("0x");
    bool leading = true;
    for (int shift = int(sizeof value) * 8 - 4; shift >= 0; shift -= 4) {
      const unsigned digit = unsigned(value >> shift) & 15U;
      if (leading && digit == 0 && shift != 0) continue;
      leading = false;
      put("0123456789abcdef"[digit]);
    }
    return *this;
  }
  // Sizes for people: 640 B, 12.5 KiB, 3.0 MiB.
  Line& size(size_t bytes) noexcept {
    if (bytes < KiB) return number(bytes).text(" B");
    const char* units[] = {" KiB", " MiB", " GiB", " TiB"};
    unsigned unit = 0;
    size_t scale = KiB;
    while (unit < 3 && bytes / scale >= 1024) {
      scale *= 1024;
      ++unit;
    }
    number(bytes / scale).text(".");
    number(bytes % scale * 10 / scale);
    return text(units[unit]);
  }

  [[nodiscard]] const char* c_str() const noexcept { return buffer_; }
  [[nodiscard]] size_t length() const noexcept { return length_; }

 private:
  void put(char c) noexcept {
    if (length_ + 1 < sizeof buffer_) buffer_[length_++] = c;
  }

  char buffer_[256] = {};
  size_t length_ = 0;
};

}  // namespace strata
