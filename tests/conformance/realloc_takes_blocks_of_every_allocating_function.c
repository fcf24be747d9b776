// Blocks of calloc, posix_memalign, aligned_alloc, memalign, valloc and pvalloc can be realloc'd.
#include <malloc.h>
#include "support/memory.h"

static void check_grows(void* block, size_t size) {
  CHECK(block != NULL);
  fill_pattern(block, size, size);
  block = realloc(block, size * 3);
  CHECK(block != NULL && has_pattern(block, size, size));
  block = realloc(block, size / 2);
  CHECK(block != NULL && has_pattern(block, size / 2, size));
  free(block);
}

int main(void) {
  for (size_t size = 48; size < 3000000; size = size * 3 + 1) {
    for (size_t alignment = 16; alignment <= 1048576; alignment *= 4) {
      void* aligned = NULL;
      CHECK_EQUAL(0, posix_memalign(&aligned, alignment, size));
      check_grows(aligned, size);
      check_grows(aligned_alloc(alignment, size), size);
      check_grows(memalign(alignment, size), size);
    }
    check_grows(calloc(size, 1), size);
    check_grows(valloc(size), size);
    check_grows(pvalloc(size), size);
    check_grows(reallocarray(NULL, size, 1), size);
  }
  return 0;
}
