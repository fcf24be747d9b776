/* The C interface, compiled as C: every function, every choice. Returns the number of the first
 * line whose expectation failed, 0 if none. */
#include "strata/region.h"

#include <stdint.h>
#include <string.h>

#define EXPECT(condition) \
  if (!(condition)) return __LINE__

static _Alignas(64) char memory[1 << 16];
static _Alignas(64) char more[4][1 << 16];
static int grown, shrunk, errors;
static strata_region_error last;

static void* grow(void* context, size_t least, size_t* bytes) {
  (void)context;
  if (grown == 4 || least > sizeof more[0]) return NULL;
  *bytes = sizeof more[0];
  return more[grown++];
}
static void shrink(void* context, void* piece, size_t bytes) {
  (void)context, (void)piece, (void)bytes;
  ++shrunk;
}
static void on_error(void* context, strata_region_error error, const void* where) {
  (void)context, (void)where;
  ++errors;
  last = error;
}
static void count(void* context, const strata_region_block* block) {
  ((size_t*)context)[block->state] += block->bytes;
}

int c_api_serves_every_choice(void) {
  for (int fit = 0; fit < 5; ++fit)
    for (int coalesce = 0; coalesce < 3; ++coalesce)
      for (int freeing = 0; freeing < 3; ++freeing)
        for (int checked = 0; checked < 2; ++checked) {
          strata_region_options options = STRATA_REGION_DEFAULTS;
          options.fit = (strata_fit)fit;
          options.coalesce = (strata_coalesce)coalesce;
          options.free = (strata_freeing)freeing;
          options.batch = 5;
          options.checked = checked;
          strata_region_error error = STRATA_REGION_NOT_A_REGION;
          strata_region* region = strata_region_create(memory, sizeof memory, &options, &error);
          EXPECT(region != NULL && error == STRATA_REGION_OK);
          unsigned char* block[50] = {0};
          unsigned seed = 7;
          for (int i = 0; i < 3000; ++i) {
            seed = seed * 1103515245u + 12345u;
            int k = (int)(seed >> 16) % 50;
            size_t size = 1 + (seed >> 8) % 700;
            if (block[k] != NULL) {
              EXPECT(block[k][0] == (unsigned char)k);
              if (seed & 64) {
                unsigned char* moved = strata_region_reallocate(region, block[k], size);
                if (moved != NULL) block[k] = moved;
                EXPECT(block[k][0] == (unsigned char)k);
              } else {
                EXPECT(strata_region_free(region, block[k]) == STRATA_REGION_OK);
                block[k] = NULL;
              }
            } else {
              block[k] = seed & 128   ? strata_region_allocate(region, size)
                         : seed & 256 ? strata_region_falloc(region, size)
                                      : strata_region_allocate_aligned(region, 64, size);
              if (block[k] == NULL) continue;
              EXPECT((uintptr_t)block[k] % 16 == 0);
              EXPECT(strata_region_usable_size(region, block[k]) >= size);
              EXPECT(strata_region_owns(region, block[k]));
              memset(block[k], k, size);
            }
            if (i % 100 == 0) EXPECT(strata_region_check(region, NULL) == STRATA_REGION_OK);
          }
          for (int k = 0; k < 50; ++k)
            EXPECT(strata_region_free(region, block[k]) == STRATA_REGION_OK);
          while (strata_region_work(region, 3) != 0) {
          }
          strata_region_settle(region);
          size_t bytes[3] = {0};
          strata_region_walk(region, count, bytes);
          EXPECT(bytes[1] == 0 && bytes[2] == 0 && bytes[0] > 50000);
          strata_region_statistics s;
          strata_region_get_statistics(region, &s);
          EXPECT(s.used_bytes == 0 && s.free_blocks == 1 && s.allocations == s.frees &&
                 s.frees > 0);
          strata_region_destroy(region);
        }
  return 0;
}

int c_api_grows_and_gives_back(void) {
  strata_region_options options = STRATA_REGION_DEFAULTS;
  options.grow = grow;
  options.shrink = shrink;
  strata_region* region = strata_region_create(memory, sizeof memory, &options, NULL);
  EXPECT(region != NULL);
  void* p[5];
  for (int i = 0; i < 5; ++i) EXPECT((p[i] = strata_region_allocate(region, 50000)) != NULL);
  EXPECT(grown == 4);
  EXPECT(strata_region_allocate(region, 50000) == NULL);
  EXPECT(strata_region_last_error(region) == STRATA_REGION_OUT_OF_MEMORY);
  for (int i = 0; i < 5; ++i) EXPECT(strata_region_free(region, p[i]) == STRATA_REGION_OK);
  EXPECT(shrunk == 3);
  EXPECT(strata_region_trim(region) == sizeof more[0]);
  EXPECT(shrunk == 4);
  EXPECT(strata_region_check(region, NULL) == STRATA_REGION_OK);
  strata_region_destroy(region);
  return 0;
}

int c_api_names_every_error(void) {
  strata_region_options options = STRATA_REGION_DEFAULTS;
  options.on_error = on_error;
  options.max_size = 1000;
  options.min_size = 64;
  options.locked = 1;
  strata_region_error error;
  EXPECT(strata_region_create(NULL, 100, NULL, &error) == NULL &&
         error == STRATA_REGION_NULL_MEMORY);
  EXPECT(strata_region_create(memory + 8, 10000, NULL, &error) == NULL &&
         error == STRATA_REGION_MISALIGNED_MEMORY);
  for (size_t bytes = 0; bytes < 2048; bytes += 13)
    EXPECT(strata_region_create(memory, bytes, NULL, &error) == NULL &&
           error == STRATA_REGION_MEMORY_TOO_SMALL);
  EXPECT(strata_region_create(memory, 4096, NULL, &error) != NULL);
  memset(memory, 0, sizeof memory);
  EXPECT(strata_region_attach(memory, &error) == NULL && error == STRATA_REGION_NOT_A_REGION);
  strata_region* region = strata_region_create(memory, sizeof memory, &options, &error);
  EXPECT(region != NULL && strata_region_attach(memory, &error) == region);
  EXPECT(strata_region_add(region, memory + 1024, 4096) == STRATA_REGION_MEMORY_OVERLAPS);
  EXPECT(strata_region_allocate(region, 1001) == NULL && last == STRATA_REGION_TOO_LARGE);
  EXPECT(strata_region_allocate(region, 0) == NULL && last == STRATA_REGION_ZERO_SIZE);
  EXPECT(strata_region_allocate_aligned(region, 48, 10) == NULL &&
         last == STRATA_REGION_BAD_ALIGNMENT);
  char* p = strata_region_allocate(region, 1);
  EXPECT(p != NULL && strata_region_usable_size(region, p) >= 64);
  EXPECT(strata_region_resize_in_place(region, p, 900));
  EXPECT(strata_region_free(region, p + 4) == STRATA_REGION_MISALIGNED_POINTER);
  EXPECT(strata_region_free(region, &error) == STRATA_REGION_FOREIGN_POINTER);
  EXPECT(strata_region_free(region, p) == STRATA_REGION_OK);
  EXPECT(strata_region_free(region, p) == STRATA_REGION_DOUBLE_FREE &&
         last == STRATA_REGION_DOUBLE_FREE);
  EXPECT(errors == 7);
  EXPECT(strcmp(strata_region_error_name(STRATA_REGION_DOUBLE_FREE), "double free") == 0);
  strata_region_destroy(region);
  EXPECT(strata_region_attach(memory, &error) == NULL);
  return 0;
}
