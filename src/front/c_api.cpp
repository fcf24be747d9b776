// The C interface of include/strata/strata.h: the process heap under names of its own.
#include "strata/strata.h"

#include "heap/heap.hpp"
#include "ranges/slot_source.hpp"

namespace heap = strata::heap;

STRATA_EXPORT void* strata_malloc(size_t size) noexcept { return heap::allocate(size); }
STRATA_EXPORT void* strata_calloc(size_t count, size_t size) noexcept {
  size_t bytes = 0;
  return __builtin_mul_overflow(count, size, &bytes) ? nullptr : heap::allocate_zeroed(bytes);
}
STRATA_EXPORT void* strata_realloc(void* pointer, size_t size) noexcept {
  return heap::reallocate(pointer, size == 0 ? 1 : size);
}
STRATA_EXPORT void* strata_aligned_alloc(size_t alignment, size_t size) noexcept {
  return alignment != 0 && (alignment & (alignment - 1)) == 0
             ? heap::allocate_aligned(alignment, size)
             : nullptr;
}
STRATA_EXPORT void* strata_falloc(size_t size) noexcept { return heap::falloc(size); }
STRATA_EXPORT void strata_free(void* pointer) noexcept { heap::free(pointer); }
STRATA_EXPORT size_t strata_usable_size(void* pointer) noexcept {
  return heap::usable_size(pointer);
}
STRATA_EXPORT void* strata_range_take(void*, size_t least, size_t* bytes) noexcept {
  heap::start();
  const strata::SourceMemory got = strata::SlotSource::take(least);
  *bytes = got.bytes;
  return got.memory;
}
STRATA_EXPORT void strata_range_give(void*, void* memory, size_t bytes) noexcept {
  strata::SlotSource::give(memory, bytes);
}
STRATA_EXPORT size_t strata_trim(size_t keep) noexcept { return heap::trim(keep); }
