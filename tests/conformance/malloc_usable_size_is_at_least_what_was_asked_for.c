// At least the size asked for, and the same number as long as the block lives.
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  for (size_t size = 0; size < 5000; ++size) {
    void* block = malloc(size);
    const size_t usable = malloc_usable_size(block);
    CHECK(usable >= size);
    memset(block, 0xff, usable);
    CHECK_EQUAL_AT(size, usable, malloc_usable_size(block));
    if (size % 2 == 0) free(block);
  }
  FOR_EACH_EDGE_SIZE(size) {
    void* block = calloc(1, size);
    CHECK(malloc_usable_size(block) >= size);
    free(block);
  }
  return 0;
}
