/* The region heap in C: a heap inside memory you give it. See docs/guide/region.md.
 *
 *   static char memory[1 << 20];
 *   strata_region *region = strata_region_create(memory, sizeof memory, NULL);
 *   void *p = strata_region_allocate(region, 100);
 *   strata_region_free(region, p);
 *
 * The region's own words (about 2 KB) stand at the start of the memory. Memory is aligned to 16.
 * Everything in it is an offset, so the same bytes work at another address: strata_region_attach.
 */
#ifndef STRATA_REGION_H
#define STRATA_REGION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct strata_region strata_region;

/* Names and meanings: strata_region_error_name, and docs/guide/region.md. */
typedef enum strata_region_error {
  STRATA_REGION_OK = 0,
  STRATA_REGION_OUT_OF_MEMORY = 1,
  STRATA_REGION_ZERO_SIZE = 2,
  STRATA_REGION_TOO_LARGE = 3,
  STRATA_REGION_BAD_ALIGNMENT = 4,
  STRATA_REGION_NULL_MEMORY = 5,
  STRATA_REGION_MISALIGNED_MEMORY = 6,
  STRATA_REGION_MEMORY_TOO_SMALL = 7,
  STRATA_REGION_MEMORY_OVERLAPS = 8,
  STRATA_REGION_OUT_OF_REACH = 9,
  STRATA_REGION_FOREIGN_POINTER = 10,
  STRATA_REGION_MISALIGNED_POINTER = 11,
  STRATA_REGION_NOT_A_BLOCK = 12,
  STRATA_REGION_DOUBLE_FREE = 13,
  STRATA_REGION_HEADER_DAMAGED = 14,
  STRATA_REGION_GUARD_DAMAGED = 15,
  STRATA_REGION_USED_AFTER_FREE = 16,
  STRATA_REGION_LINKS_DAMAGED = 17,
  STRATA_REGION_REGION_DAMAGED = 18,
  STRATA_REGION_NOT_A_REGION = 19
} strata_region_error;

typedef enum strata_fit {
  STRATA_FIT_FIRST,
  STRATA_FIT_BEST,
  STRATA_FIT_NEXT,
  STRATA_FIT_GOOD,
  STRATA_FIT_SCORE
} strata_fit;
typedef enum strata_coalesce {
  STRATA_COALESCE_AT_ONCE,
  STRATA_COALESCE_DEFERRED,
  STRATA_COALESCE_SEARCHING
} strata_coalesce;
typedef enum strata_freeing {
  STRATA_FREE_IMMEDIATE,
  STRATA_FREE_BATCHED,
  STRATA_FREE_BACKGROUND
} strata_freeing;

/* Start from STRATA_REGION_DEFAULTS and change what differs. */
typedef struct strata_region_options {
  strata_fit fit;
  unsigned exactness; /* STRATA_FIT_SCORE: 0 is first fit, 100 is best fit */
  strata_coalesce coalesce;
  strata_freeing free;
  size_t batch;    /* frees saved up before they are done; 0: 64 */
  int eager;       /* touch all memory when it is added */
  int locked;      /* a spin lock around every call */
  int checked;     /* guard bands, poison, sealed headers, every pointer looked up */
  size_t min_size; /* smaller requests are served as this; 0: no least */
  size_t max_size; /* larger requests are refused; 0: no bound but the layout's */
  /* More memory: at least `least` bytes, aligned to 16, the number in *bytes; or NULL. */
  void* (*grow)(void* context, size_t least, size_t* bytes);
  void (*shrink)(void* context, void* memory,
                 size_t bytes); /* takes empty memory back; may be NULL */
  /* Told of every error, after the call has been undone. May use the region. */
  void (*on_error)(void* context, strata_region_error error, const void* where);
  void* context;
} strata_region_options;

#define STRATA_REGION_DEFAULTS                                                                   \
  {                                                                                              \
    STRATA_FIT_GOOD, 75, STRATA_COALESCE_AT_ONCE, STRATA_FREE_IMMEDIATE, 0, 0, 0, 0, 0, 0, 0, 0, \
        0, 0                                                                                     \
  }

/* NULL options are the defaults. NULL, and the reason in *error if that is not NULL. */
strata_region* strata_region_create(void* memory, size_t bytes,
                                    const strata_region_options* options,
                                    strata_region_error* error);
/* The region that was created in these bytes, here mapped at another address or in another process.
 * Regions with callbacks keep those of the process that created them: create shared ones without.
 */
strata_region* strata_region_attach(void* memory, strata_region_error* error);
/* Gives grown memory back through `shrink`; the rest is the caller's again. */
void strata_region_destroy(strata_region* region);

strata_region_error strata_region_add(strata_region* region, void* memory, size_t bytes);

void* strata_region_allocate(strata_region* region, size_t size);
void* strata_region_allocate_aligned(strata_region* region, size_t alignment, size_t size);
void* strata_region_falloc(strata_region* region, size_t size);
strata_region_error strata_region_free(strata_region* region, void* block);
void* strata_region_reallocate(strata_region* region, void* block, size_t size);
int strata_region_resize_in_place(strata_region* region, void* block, size_t size);
size_t strata_region_usable_size(strata_region* region, const void* block);
int strata_region_owns(strata_region* region, const void* address);

/* Saved-up frees: does up to `most`, returns how many are left. */
size_t strata_region_work(strata_region* region, size_t most);
void strata_region_settle(strata_region* region);
size_t strata_region_trim(strata_region* region);

typedef struct strata_region_block {
  const void* payload;
  size_t bytes; /* with header */
  size_t usable;
  int state; /* 0 free, 1 used, 2 saved */
} strata_region_block;
void strata_region_walk(strata_region* region,
                        void (*visit)(void* context, const strata_region_block* block),
                        void* context);

/* Verifies every invariant; *where, if not NULL, is the block at fault. */
strata_region_error strata_region_check(strata_region* region, const void** where);
strata_region_error strata_region_last_error(strata_region* region);
const char* strata_region_error_name(strata_region_error error);

typedef struct strata_region_statistics {
  size_t managed_bytes, used_bytes, free_bytes, saved_bytes, largest_free_bytes;
  size_t free_blocks, used_blocks, spans;
  size_t peak_used_bytes, footprint_bytes, allocations, frees, failures, looked_at, longest_search;
} strata_region_statistics;
void strata_region_get_statistics(strata_region* region, strata_region_statistics* statistics);

#ifdef __cplusplus
}
#endif

#endif
