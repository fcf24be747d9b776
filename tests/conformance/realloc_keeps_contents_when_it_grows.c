// The bytes up to the smaller of both sizes survive every growth, from any size to any other.
#include "support/memory.h"

int main(void) {
  FOR_EACH_EDGE_SIZE(size) {
    if (size > 600000) break;
    for (size_t by = 1; by <= 1000000; by = by * 10 + 7) {
      void* block = malloc(size);
      CHECK(block != NULL);
      fill_pattern(block, size, size);
      block = realloc(block, size + by);
      CHECK(block != NULL && has_pattern(block, size, size));
      CHECK_ALIGNED(16, block);
      memset(block, 1, size + by);
      free(block);
    }
  }
  return 0;
}
