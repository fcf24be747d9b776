// Patterns in memory: poison in freed payloads, guard bands around used ones.
//
// No libc: the loops go byte by byte, or through the compiler's builtins, which a kernel provides.
#pragma once

#include "base/units.hpp"

namespace strata {

constexpr unsigned char poison_byte = 0xDF;  // odd, so that poison read as a tag says "free"
constexpr unsigned char guard_byte = 0xB5;

inline void fill_bytes(Address at, size_t count, unsigned char value) noexcept {
  __builtin_memset(reinterpret_cast<void*>(at), value, count);
}

inline bool bytes_are(Address at, size_t count, unsigned char value) noexcept {
  const auto* bytes = reinterpret_cast<const unsigned char*>(at);
  for (size_t i = 0; i < count; ++i) {
    if (bytes[i] != value) return false;
  }
  return true;
}

// Memory changes hands between the region's words and the user's objects. Past this point the
// compiler assumes nothing about what was stored before, so that neither side's stores move across.
inline void* forget_types(void* memory) noexcept {
  asm volatile("" : "+r"(memory)::"memory");
  return memory;
}

}  // namespace strata
