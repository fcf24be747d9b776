// The malloc family as glibc has it: every name a program may call to allocate is served here, so
// that no two allocators ever meet in one program.
//
// Where the standards leave a choice, glibc's behaviour: realloc(p, 0) frees and returns null;
// errno is ENOMEM on every failure of memory; free keeps errno.
#include <errno.h>
#include <malloc.h>

#include "base/bits.hpp"
#include "front/export.hpp"
#include "heap/heap.hpp"
#include "observe/survey.hpp"

namespace heap = strata::heap;
using strata::is_power_of_two;

namespace {

STRATA_COLD void* out_of_memory() noexcept {
  strata::observe::note_refusal();
  errno = ENOMEM;
  return nullptr;
}

STRATA_NOINLINE void* malloc_slow(size_t size) {
  void* const block = heap::allocate_slow(size);
  return block != nullptr ? block : out_of_memory();
}

STRATA_NOINLINE void* realloc_slow(void* pointer, size_t size) {
  if (size == 0 && pointer != nullptr) {
    heap::free(pointer);
    return nullptr;
  }
  void* const block = heap::reallocate_slow(pointer, size);
  return block != nullptr ? block : out_of_memory();
}

void* aligned(size_t alignment, size_t size) noexcept {
  void* const block = heap::allocate_aligned(alignment, size);
  return block != nullptr ? block : out_of_memory();
}

}  // namespace

STRATA_EXPORT STRATA_HOT void* malloc(size_t size) noexcept {
  return heap::allocate<malloc_slow>(size);
}

STRATA_EXPORT STRATA_HOT void free(void* pointer) noexcept { heap::free(pointer); }

STRATA_EXPORT void* calloc(size_t count, size_t size) noexcept {
  size_t bytes = 0;
  if (STRATA_UNLIKELY(__builtin_mul_overflow(count, size, &bytes))) return out_of_memory();
  void* const block = heap::allocate_zeroed(bytes);
  return STRATA_LIKELY(block != nullptr) ? block : out_of_memory();
}

STRATA_EXPORT STRATA_HOT void* realloc(void* pointer, size_t size) noexcept {
  return heap::reallocate<realloc_slow>(pointer, size);
}

STRATA_EXPORT void* reallocarray(void* pointer, size_t count, size_t size) noexcept {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return out_of_memory();
  return heap::reallocate<realloc_slow>(pointer, bytes);
}

STRATA_EXPORT int posix_memalign(void** result, size_t alignment, size_t size) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int saved = errno;
  void* const block = aligned(alignment, size);
  errno = saved;
  if (block == nullptr) return ENOMEM;
  *result = block;
  return 0;
}

STRATA_EXPORT void* aligned_alloc(size_t alignment, size_t size) noexcept {
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment, size);
}

// As glibc: an alignment that is no power of two is rounded up to one.
STRATA_EXPORT void* memalign(size_t alignment, size_t size) noexcept {
  if (alignment > size_t(PTRDIFF_MAX)) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment <= 1 ? 1 : std::bit_ceil(alignment), size);
}

STRATA_EXPORT void* valloc(size_t size) noexcept {
  return aligned(strata::Machine::page_size(), size);
}

STRATA_EXPORT void* pvalloc(size_t size) noexcept {
  const size_t page = strata::Machine::page_size();
  if (size > size_t(PTRDIFF_MAX) - page) return out_of_memory();
  return aligned(page, strata::align_up(size == 0 ? 1 : size, page));
}

STRATA_EXPORT size_t malloc_usable_size(void* pointer) noexcept {
  return heap::usable_size(pointer);
}

// C23: the size is a promise of the caller's; modes that check compare it with the block's.
STRATA_EXPORT void free_sized(void* pointer, size_t size) noexcept {
  heap::free<heap::Form::malloc>(pointer, size);
}
STRATA_EXPORT void free_aligned_sized(void* pointer, size_t, size_t size) noexcept {
  heap::free<heap::Form::malloc>(pointer, size);
}
