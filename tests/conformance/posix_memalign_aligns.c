// Every power of two that is a multiple of a pointer's size is kept, for every size.
#include "support/memory.h"

int main(void) {
  for (size_t alignment = sizeof(void*); alignment <= (size_t)64 << 20; alignment *= 2) {
    for (size_t size = 1; size < 3000000; size = size * 5 + 3) {
      void* blocks[4];
      for (int i = 0; i < 4; ++i) {
        CHECK_EQUAL(0, posix_memalign(&blocks[i], alignment, size));
        CHECK_ALIGNED(alignment, blocks[i]);
        CHECK_ALIGNED(16, blocks[i]);
        fill_pattern(blocks[i], size, (size_t)i);
      }
      for (size_t i = 0; i < 4; ++i) {
        CHECK(has_pattern(blocks[i], size, i));
        free(blocks[i]);
      }
    }
  }
  return 0;
}
