// The malloc family as the program sees it: each call goes to the allocator, and is written down.
#include <errno.h>
#include <stdint.h>

#include <bit>

#include "record/recorder/log.hpp"
#include "record/recorder/next.hpp"

using strata::record::is_ours;
using strata::record::Kind;
using strata::record::log_after;
using strata::record::log_before;
using strata::record::next;

#define RECORDED extern "C" __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

namespace {

unsigned log2_of(size_t alignment) {
  return alignment != 0 ? unsigned(std::bit_width(alignment)) - 1 : 0;
}

}  // namespace

RECORDED void* malloc(size_t size) noexcept {
  void* const block = next.malloc(size);
  log_after(Kind::malloc, block, size, SITE);
  return block;
}

RECORDED void free(void* block) noexcept {
  if (block == nullptr || is_ours(block)) return;
  log_before(Kind::free, block);
  next.free(block);
}

RECORDED void* calloc(size_t count, size_t size) noexcept {
  void* const block = next.calloc(count, size);
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
  log_after(Kind::calloc, block, bytes, SITE);
  return block;
}

RECORDED void* realloc(void* block, size_t size) noexcept {
  if (block == nullptr || is_ours(block)) {
    void* const first = next.realloc(nullptr, size);
    log_after(Kind::malloc, first, size, SITE);
    if (first != nullptr && block != nullptr) {
      // Out of the arena: at most what lies behind the block in it.
      const auto* const from = static_cast<const unsigned char*>(block);
      for (size_t i = 0; i < size && is_ours(from + i); ++i)
        static_cast<unsigned char*>(first)[i] = from[i];
    }
    return first;
  }
  log_before(Kind::realloc_from, block);
  void* const moved = next.realloc(block, size);
  log_after(Kind::realloc_to, moved, size, SITE);
  return moved;
}

// glibc's calls realloc, and other allocators may not have it: so it is made of realloc here.
RECORDED void* reallocarray(void* block, size_t count, size_t size) noexcept {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(block, bytes);
}

RECORDED int posix_memalign(void** result, size_t alignment, size_t size) noexcept {
  const int error = next.posix_memalign(result, alignment, size);
  log_after(Kind::aligned, error == 0 ? *result : nullptr, size, SITE, log2_of(alignment));
  return error;
}

RECORDED void* aligned_alloc(size_t alignment, size_t size) noexcept {
  void* const block = next.aligned_alloc(alignment, size);
  log_after(Kind::aligned, block, size, SITE, log2_of(alignment));
  return block;
}

RECORDED void* memalign(size_t alignment, size_t size) noexcept {
  void* const block = next.memalign(alignment, size);
  log_after(Kind::aligned, block, size, SITE, log2_of(alignment));
  return block;
}

RECORDED void* valloc(size_t size) noexcept {
  void* const block = next.valloc(size);
  log_after(Kind::aligned, block, size, SITE, 12);
  return block;
}

RECORDED void* pvalloc(size_t size) noexcept {
  void* const block = next.pvalloc(size);
  log_after(Kind::aligned, block, size, SITE, 12);
  return block;
}

// Where the C library has these (C23) they may do no more than free.
RECORDED void free_sized(void* block, size_t) noexcept { free(block); }
RECORDED void free_aligned_sized(void* block, size_t, size_t) noexcept { free(block); }
