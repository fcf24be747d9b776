// Printing for the kernel: say("text ", number, ...) to the serial line, without allocation.
//
// One line at a time: say() holds a lock from its first to its last piece.
#pragma once

#include "base/lock_guard.hpp"
#include "cpu.hpp"

namespace kernel {

using strata::size_t;

struct Hex {
  std::uint64_t value;
  unsigned digits = 1;
};
struct Bytes {  // printed in the largest unit that leaves no fraction, or with one digit behind it
  std::uint64_t value;
};
struct Left {  // padded to a width
  const char* text;
  unsigned width;
};

void put(const char* text) noexcept;
void put(std::uint64_t number) noexcept;
void put(Hex number) noexcept;
void put(Bytes bytes) noexcept;
void put(Left text) noexcept;
inline void put(unsigned number) noexcept { put(std::uint64_t{number}); }
inline void put(int number) noexcept { put(std::uint64_t(number)); }
inline void put(char one) noexcept {
  const char text[2] = {one, 0};
  put(text);
}

extern Machine::Lock console_lock;

template <class... Pieces>
void say(Pieces... pieces) noexcept {
  const strata::LockGuard guard(console_lock);
  (put(pieces), ...);
}

}  // namespace kernel
