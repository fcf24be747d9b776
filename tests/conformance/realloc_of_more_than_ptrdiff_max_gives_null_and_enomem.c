// realloc refuses what malloc refuses, with or without an old block.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  void* block = malloc(10);
  CHECK_OUT_OF_MEMORY(realloc(NULL, (size_t)PTRDIFF_MAX + 1));
  CHECK_OUT_OF_MEMORY(realloc(block, (size_t)PTRDIFF_MAX + 1));
  for (size_t below = 0; below < 70000; below = below * 2 + 1) {
    CHECK_OUT_OF_MEMORY(realloc(block, SIZE_MAX - below));
  }
  free(block);
  return 0;
}
