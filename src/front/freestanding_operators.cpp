// operator new and delete where there is no libc: for kernels written in C++.
#include <new>

#include "strata/strata.h"

// Null when memory is refused: built without exceptions there is nothing to throw.
void* operator new(size_t size) { return strata_malloc(size); }
void* operator new[](size_t size) { return strata_malloc(size); }
void* operator new(size_t size, std::align_val_t alignment) {
  return strata_aligned_alloc(size_t(alignment), size);
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return strata_malloc(size); }
void operator delete(void* pointer) noexcept { strata_free(pointer); }
void operator delete[](void* pointer) noexcept { strata_free(pointer); }
void operator delete(void* pointer, size_t) noexcept { strata_free(pointer); }
void operator delete[](void* pointer, size_t) noexcept { strata_free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { strata_free(pointer); }
void operator delete(void* pointer, size_t, std::align_val_t) noexcept { strata_free(pointer); }
