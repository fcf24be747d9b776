// memalign keeps every power of two.
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  for (size_t alignment = 1; alignment <= (size_t)16 << 20; alignment *= 2) {
    for (size_t size = 0; size < 200000; size = size * 6 + 5) {
      void* block = memalign(alignment, size);
      CHECK(block != NULL);
      CHECK_ALIGNED(alignment, block);
      fill_pattern(block, size, size);
      free(block);
    }
  }
  return 0;
}
