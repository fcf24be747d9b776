// Readers of the memory maps that firmware and boot loaders hand over.
//
// Each is a pair of pointer and size with one function, for_each(visit), that calls
// visit(base, length, usable) for every entry in the order found, however odd its numbers are;
// MemoryMap judges them. Entries are read byte-wise, so the map may stand at any address.
//
//   E820Reader        BIOS E820, PVH, multiboot2: an array with a stride of 20 or more
//   Multiboot1Reader  entries that start with their own size
//   UefiReader        EFI descriptors; the stride is the firmware's, not sizeof
//
// For device trees see device_tree_memory.hpp. What lies inside "usable" memory but is in use
// (kernel, modules, the map itself) is for the caller to reserve. Cost: O(entries), no allocation.
#pragma once

#include "base/units.hpp"

namespace strata {

namespace firmware {

template <class T>
T load(const void* at, size_t offset) noexcept {
  T value;
  __builtin_memcpy(&value, static_cast<const unsigned char*>(at) + offset, sizeof(T));
  return value;
}

}  // namespace firmware

// {u64 base, u64 length, u32 type, ...}; type 1 is usable, every other one is not.
struct E820Reader {
  const void* entries;
  size_t count;
  size_t stride = 24;

  template <class Visit>
  void for_each(Visit&& visit) const {
    if (stride < 20) return;
    for (size_t i = 0; i < count; ++i) {
      const auto* entry = static_cast<const unsigned char*>(entries) + i * stride;
      visit(firmware::load<std::uint64_t>(entry, 0), firmware::load<std::uint64_t>(entry, 8),
            firmware::load<std::uint32_t>(entry, 16) == 1);
    }
  }
};

// {u32 size, u64 base, u64 length, u32 type}; `size` does not count itself. An entry too short to
// be one, or running out of the buffer, ends the walk.
struct Multiboot1Reader {
  const void* buffer;
  size_t bytes;

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (size_t at = 0; at + 24 <= bytes;) {
      const auto* entry = static_cast<const unsigned char*>(buffer) + at;
      const size_t size = firmware::load<std::uint32_t>(entry, 0);
      if (size < 20 || size > bytes - at - 4) return;
      visit(firmware::load<std::uint64_t>(entry, 4), firmware::load<std::uint64_t>(entry, 12),
            firmware::load<std::uint32_t>(entry, 20) == 1);
      at += size + 4;
    }
  }
};

// {u32 type, u64 physical, u64 virtual, u64 pages, u64 attributes}. After ExitBootServices the
// loader's and the boot services' memory (types 1 to 4) is free as conventional memory (7) is.
struct UefiReader {
  const void* buffer;
  size_t bytes;
  size_t stride;

  template <class Visit>
  void for_each(Visit&& visit) const {
    if (stride < 32) return;
    for (size_t at = 0; at + stride <= bytes; at += stride) {
      const auto* entry = static_cast<const unsigned char*>(buffer) + at;
      const auto type = firmware::load<std::uint32_t>(entry, 0);
      const auto pages = firmware::load<std::uint64_t>(entry, 24);
      const auto base = firmware::load<std::uint64_t>(entry, 8);
      const bool usable = (type >= 1 && type <= 4) || type == 7;
      if (pages >> 52 == 0) {
        visit(base, pages << 12, usable);
      } else {
        // So many pages wrap: passed on as wrapping, for MemoryMap to judge.
        visit(usable ? ~std::uint64_t{0} : base, ~std::uint64_t{0}, usable);
      }
    }
  }
};

}  // namespace strata
