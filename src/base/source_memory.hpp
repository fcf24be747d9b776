// SourceMemory: what a source of memory hands out; null if it has none.
//
// A source is a type with `static constexpr bool grows`, `SourceMemory take(size_t least)`, which
// returns at least that many bytes aligned to a granule, and `give(void*, size_t)`, which takes
// back exactly what was taken. Neither may call the region that asks.
#pragma once

#include <concepts>

#include "base/units.hpp"

namespace strata {

struct SourceMemory {
  void* memory = nullptr;
  size_t bytes = 0;
};

template <class T>
concept MemorySource = requires(T& source, void* memory, size_t bytes) {
  { T::grows } -> std::convertible_to<bool>;
  { source.take(bytes) }
  noexcept->std::same_as<SourceMemory>;
  { source.give(memory, bytes) }
  noexcept;
};

}  // namespace strata
