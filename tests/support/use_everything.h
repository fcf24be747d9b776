// use_everything(): one walk through the whole family that takes a refusal for an answer.
//
// Idea. Every call either gives a good block (aligned, of its own, zero where promised) or NULL
// with ENOMEM; both are right, anything else ends the program. Small, medium, large and huge
// blocks, all allocating functions, growth and shrinking, purging and use again. Deterministic for
// a seed, a few milliseconds, so that it can be run once for every system call that may fail.
#ifndef STRATA_TESTS_SUPPORT_USE_EVERYTHING_H
#define STRATA_TESTS_SUPPORT_USE_EVERYTHING_H

#include <errno.h>
#include <malloc.h>
#include "memory.h"

enum { everything_blocks = 200 };

struct Everything {
  unsigned char* blocks[everything_blocks];
  size_t sizes[everything_blocks];
  size_t refused;
};

// Large blocks are told apart by their ends: filling them would only measure the machine.
static inline void mark_block(void* block, size_t size, size_t seed) {
  if (size <= 8192) {
    fill_pattern(block, size, seed);
  } else {
    fill_pattern(block, 4096, seed);
    fill_pattern((char*)block + size - 4096, 4096, seed);
  }
}
static inline int block_is_marked(const void* block, size_t size, size_t seed) {
  return size <= 8192 ? has_pattern(block, size, seed)
                      : has_pattern(block, 4096, seed) &&
                            has_pattern((const char*)block + size - 4096, 4096, seed);
}

static inline unsigned char* get_block(size_t way, size_t size, uint64_t* random) {
  void* block = NULL;
  size_t alignment = 16;
  errno = 0;
  switch (way % 8) {
    case 0:
    case 1:
    case 2:
      block = malloc(size);
      break;
    case 3:
      block = calloc(1, size);
      if (block != NULL) CHECK(is_zero(block, size));
      break;
    case 4:
      block = realloc(NULL, size);
      break;
    case 5:
      alignment = (size_t)16 << next_random(random) % 17;
      {
        const int result = posix_memalign(&block, alignment, size);
        CHECK(result == 0 || (result == ENOMEM && block == NULL));
        if (result != 0) errno = result;
      }
      break;
    case 6:
      alignment = (size_t)1 << next_random(random) % 14;
      block = aligned_alloc(alignment, size);
      break;
    default:
      block = reallocarray(NULL, size, 1);
      break;
  }
  if (block == NULL) {
    CHECK_EQUAL_AT(size, ENOMEM, errno);
  } else {
    CHECK_ALIGNED(16, block);
    CHECK_ALIGNED(alignment, block);
    CHECK(malloc_usable_size(block) >= size);
  }
  return (unsigned char*)block;
}

static inline size_t everything_size(uint64_t* random) {
  const uint64_t kind = next_random(random) % 64;
  if (kind == 0) return 2000000 + next_random(random) % 12000000;
  if (kind < 8) return 30000 + next_random(random) % 900000;
  return random_size(random, 30000);
}

static inline void drop_block(struct Everything* all, size_t i) {
  if (all->blocks[i] != NULL) CHECK(block_is_marked(all->blocks[i], all->sizes[i], i));
  errno = 77;
  free(all->blocks[i]);
  CHECK_EQUAL(77, errno);
  all->blocks[i] = NULL;
}

static inline void renew_block(struct Everything* all, size_t i, uint64_t* random) {
  drop_block(all, i);
  all->sizes[i] = everything_size(random);
  all->blocks[i] = get_block(next_random(random), all->sizes[i], random);
  if (all->blocks[i] == NULL) {
    ++all->refused;
  } else {
    mark_block(all->blocks[i], all->sizes[i], i);
  }
}

// Grows or shrinks; a refusal leaves the block as it was.
static inline void resize_block(struct Everything* all, size_t i, uint64_t* random) {
  if (all->blocks[i] == NULL) return;
  const size_t size = everything_size(random) + 1;
  unsigned char* block = (unsigned char*)realloc(all->blocks[i], size);
  if (block == NULL) {
    CHECK_EQUAL_AT(size, ENOMEM, errno);
    ++all->refused;
    return;
  }
  const size_t kept = size < all->sizes[i] ? size : all->sizes[i];
  CHECK(has_pattern(block, kept < 4096 ? kept : 4096, i));
  all->blocks[i] = block;
  all->sizes[i] = size;
  mark_block(block, size, i);
}

// Blocks of more than a gigabyte, touched at their ends only, and one aligned beyond 2 MiB:
// mappings of their own under most allocators. Whatever is refused is left out.
static inline void use_huge_blocks(struct Everything* all) {
  const size_t size = ((size_t)1 << 30) + 50000, larger = ((size_t)3 << 29) + 1;
  void* block = malloc(size);
  void* zero = calloc(size, 1);
  if (zero != NULL) CHECK(is_zero(zero, 70000) && is_zero((char*)zero + size - 70000, 70000));
  if (block != NULL) {
    mark_block(block, size, 1);
    void* grown = realloc(block, larger);
    if (grown != NULL) block = grown;
    CHECK(has_pattern(block, 4096, 1));
    if (grown != NULL) ((char*)block)[larger - 1] = 1;
    void* shrunk = realloc(block, 40000);
    if (shrunk != NULL) block = shrunk;
    CHECK(has_pattern(block, 4096, 1));
  }
  void* aligned = NULL;
  const int result = posix_memalign(&aligned, (size_t)8 << 20, 5000000);
  CHECK(result == 0 || (result == ENOMEM && aligned == NULL));
  if (aligned != NULL) mark_block(aligned, 5000000, 2);
  CHECK_ALIGNED((size_t)8 << 20, aligned);
  if (block == NULL || zero == NULL || aligned == NULL) ++all->refused;
  free(zero);
  free(aligned);
  free(block);
}

// Returns how many calls were refused. `scratch` is all zero.
static inline size_t use_everything(struct Everything* scratch, uint64_t seed, int rounds) {
  uint64_t random = seed * 2654435761u + 1;
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < everything_blocks; ++i) renew_block(scratch, i, &random);
    for (size_t i = 0; i < everything_blocks; i += 3) resize_block(scratch, i, &random);
    for (size_t i = 0; i < everything_blocks; i += 2) drop_block(scratch, i);
    malloc_trim(0);
    use_huge_blocks(scratch);
    for (size_t i = 0; i < everything_blocks; i += 5) renew_block(scratch, i, &random);
    for (size_t i = 0; i < everything_blocks; ++i) drop_block(scratch, i);
    malloc_trim(0);
  }
  return scratch->refused;
}

#endif
