// The bytes that remain survive every shrinking.
#include "support/memory.h"

int main(void) {
  for (size_t size = (size_t)3 << 20; size > 4; size = size * 3 / 4) {
    for (size_t to = size; to > 0; to = to * 2 / 5) {
      void* block = malloc(size);
      CHECK(block != NULL);
      fill_pattern(block, size, size);
      block = realloc(block, to);
      CHECK(block != NULL && has_pattern(block, to, size));
      CHECK_ALIGNED(16, block);
      free(block);
    }
  }
  return 0;
}
