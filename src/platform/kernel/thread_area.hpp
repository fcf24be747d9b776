// ThreadArea: the memory behind a CPU's thread pointer, where the heap keeps that CPU's bins.
//
// A kernel that has no threads of its own makes one area per CPU, in memory that reads zero or not,
// and loads its pointer() into FS (x86-64) or TPIDR_EL1 with -mtp=el1 (aarch64). A kernel that
// switches threads changes nothing: the areas belong to CPUs.
//
//   x86-64    | copy of .tdata | zeros of .tbss |^ pointer: its own address |
//   aarch64   |^ pointer: 16 bytes | copy of .tdata | zeros of .tbss |
//
// `image` describes the sections as the linker placed them (one PT_TLS segment).
#pragma once

#include "base/bits.hpp"
#include "base/units.hpp"

namespace strata {

struct ThreadImage {
  const unsigned char* data;  // .tdata
  size_t data_bytes;
  size_t bytes;      // .tdata and .tbss
  size_t alignment;  // of the segment
};

constexpr size_t thread_area_bytes(const ThreadImage& image) noexcept {
  return align_up(image.bytes, image.alignment) + image.alignment + cache_line;
}

// Builds an area in `memory` (aligned as the segment) and returns the thread pointer.
inline Address build_thread_area(const ThreadImage& image, void* memory) noexcept {
  auto* area = static_cast<unsigned char*>(memory);
#if defined(__x86_64__)
  const Address pointer = Address(area) + align_up(image.bytes, image.alignment);
  unsigned char* data = area;
  *reinterpret_cast<Address*>(pointer) = pointer;
#else
  const Address pointer = Address(area);
  unsigned char* data = area + align_up(16, image.alignment);
#endif
  __builtin_memcpy(data, image.data, image.data_bytes);
  __builtin_memset(data + image.data_bytes, 0, image.bytes - image.data_bytes);
  return pointer;
}

}  // namespace strata
