// Tails cut off by a shrinking realloc, and blocks it moved from, come back cleared.
#include "support/memory.h"

int main(void) {
  for (size_t size = 1 << 20; size >= 64; size /= 2) {
    for (int i = 0; i < 20; ++i) {
      unsigned char* block = malloc(size);
      memset(block, 0x5a, size);
      block = realloc(block, size / 3);
      void* zero = calloc(size / 2, 1);
      CHECK(zero != NULL && is_zero(zero, size / 2));
      void* moved = realloc(block, size * 2);
      void* also_zero = calloc(1, size / 3);
      CHECK(also_zero != NULL && is_zero(also_zero, size / 3));
      free(moved);
      free(zero);
      free(also_zero);
    }
  }
  return 0;
}
