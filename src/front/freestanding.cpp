// strata_malloc and its kin where there is no libc. See freestanding.hpp.
#include "front/freestanding.hpp"

#include "strata/strata.h"

namespace {

using Guard [[maybe_unused]] = strata::Machine::CpuGuard;

}  // namespace

namespace strata::heap {

// CPUs do not end, and options are the kernel's business.
constinit const Hook on_thread_start = nullptr;
constinit const Hook on_first_use = nullptr;

}  // namespace strata::heap

extern "C" {

void* strata_malloc(size_t size) noexcept {
  [[maybe_unused]] const Guard guard;
  return strata::heap::allocate(size);
}
void* strata_calloc(size_t count, size_t size) noexcept {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  [[maybe_unused]] const Guard guard;
  return strata::heap::allocate_zeroed(bytes);
}
void* strata_realloc(void* pointer, size_t size) noexcept {
  [[maybe_unused]] const Guard guard;
  if (strata::built_small || pointer == nullptr)
    return strata::heap::reallocate_slow(pointer, size);
  return strata::heap::reallocate(pointer, size);
}
void* strata_aligned_alloc(size_t alignment, size_t size) noexcept {
  if (!strata::is_power_of_two(alignment)) return nullptr;
  [[maybe_unused]] const Guard guard;
  return strata::heap::allocate_aligned(alignment, size);
}
void strata_free(void* pointer) noexcept {
  [[maybe_unused]] const Guard guard;
  strata::heap::free(pointer);
}
size_t strata_usable_size(void* pointer) noexcept {
  [[maybe_unused]] const Guard guard;
  return strata::heap::usable_size(pointer);
}
size_t strata_trim(size_t keep) noexcept {
  [[maybe_unused]] const Guard guard;
  return strata::heap::trim(keep);
}

}  // extern "C"
