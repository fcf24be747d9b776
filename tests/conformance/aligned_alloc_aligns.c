// Every power of two is kept, 1 to 4 MiB, whether or not the size is a multiple of it.
#include "support/memory.h"

int main(void) {
  for (size_t alignment = 1; alignment <= 4194304; alignment *= 2) {
    for (size_t size = 1; size < 1000000; size = size * 4 + 1) {
      void* block = aligned_alloc(alignment, size);
      CHECK(block != NULL);
      CHECK_ALIGNED(alignment, block);
      CHECK_ALIGNED(16, block);
      fill_pattern(block, size, size);
      free(block);
    }
  }
  return 0;
}
