// Stands in for the process heap where the region's tests are linked without it.
#include <malloc.h>

#include <cstdlib>

#include "strata/strata.h"

extern "C" {
void* strata_malloc(size_t size) noexcept { return std::malloc(size); }
void* strata_realloc(void* block, size_t size) noexcept { return std::realloc(block, size); }
void* strata_aligned_alloc(size_t alignment, size_t size) noexcept {
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void strata_free(void* block) noexcept { std::free(block); }
size_t strata_usable_size(void* block) noexcept { return malloc_usable_size(block); }
}
