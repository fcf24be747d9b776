// When realloc gives NULL for want of memory, the old block is neither freed nor moved nor changed.
#include <errno.h>
#include "support/memory.h"

int main(void) {
  FOR_EACH_EDGE_SIZE(size) {
    void* block = malloc(size);
    fill_pattern(block, size, size);
    CHECK_OUT_OF_MEMORY(realloc(block, (size_t)PTRDIFF_MAX));
    CHECK_OUT_OF_MEMORY(realloc(block, SIZE_MAX));
    void* other = malloc(size);
    CHECK(other != block);
    memset(other, 0xff, size);
    CHECK(has_pattern(block, size, size));
    free(other);
    free(block);
  }
  return 0;
}
