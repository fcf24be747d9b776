// Writing to the console, piece by piece. See console.hpp.
#include "console.hpp"

namespace kernel {

constinit Machine::Lock console_lock;

void put(const char* text) noexcept {
  for (; *text != 0; ++text) console_put(*text);
}

void put(std::uint64_t number) noexcept {
  char digits[24];
  char* at = digits + sizeof(digits) - 1;
  *at = 0;
  unsigned count = 0;
  do {
    if (count != 0 && count % 3 == 0) *--at = ',';
    *--at = char('0' + number % 10);
    number /= 10;
    ++count;
  } while (number != 0);
  put(at);
}

void put(Hex number) noexcept {
  char digits[20];
  char* at = digits + sizeof(digits) - 1;
  *at = 0;
  unsigned count = 0;
  do {
    *--at = "0123456789abcdef"[number.value & 15];
    number.value >>= 4;
    ++count;
  } while (number.value != 0 || count < number.digits);
  put("0x");
  put(at);
}

void put(Bytes bytes) noexcept {
  static constexpr const char* names[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  unsigned unit = 0;
  std::uint64_t tenths = bytes.value * 10;
  if (bytes.value < std::uint64_t{1} << 59) {
    for (; tenths >= 10240 && unit < 4; ++unit) tenths /= 1024;
  }
  put(tenths / 10);
  if (tenths % 10 != 0) {
    put('.');
    put(tenths % 10);
  }
  put(names[unit]);
}

void put(Left text) noexcept {
  unsigned length = 0;
  for (; text.text[length] != 0; ++length) console_put(text.text[length]);
  for (; length < text.width; ++length) console_put(' ');
}

}  // namespace kernel
