// A product that overflows is refused and the old block stays as it is.
#include <errno.h>
#include "support/memory.h"

int main(void) {
  void* block = malloc(100);
  fill_pattern(block, 100, 1);
  CHECK_OUT_OF_MEMORY(reallocarray(block, SIZE_MAX, 2));
  CHECK_OUT_OF_MEMORY(reallocarray(block, 2, SIZE_MAX));
  CHECK_OUT_OF_MEMORY(reallocarray(block, (size_t)1 << 32, (size_t)1 << 32));
  CHECK_OUT_OF_MEMORY(reallocarray(block, SIZE_MAX / 24 + 1, 24));
  CHECK_OUT_OF_MEMORY(reallocarray(NULL, SIZE_MAX / 24 + 1, 24));
  CHECK_OUT_OF_MEMORY(reallocarray(block, 2, (size_t)1 << 62));
  CHECK(has_pattern(block, 100, 1));
  free(block);
  return 0;
}
