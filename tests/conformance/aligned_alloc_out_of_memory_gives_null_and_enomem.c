// Sizes that cannot be had, at any alignment.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  for (size_t alignment = 1; alignment <= (size_t)1 << 30; alignment *= 8) {
    CHECK_OUT_OF_MEMORY(aligned_alloc(alignment, SIZE_MAX));
    CHECK_OUT_OF_MEMORY(aligned_alloc(alignment, SIZE_MAX - 4096));
    CHECK_OUT_OF_MEMORY(aligned_alloc(alignment, (size_t)PTRDIFF_MAX + 1));
    CHECK_OUT_OF_MEMORY(aligned_alloc(alignment, PTRDIFF_MAX));
  }
  return 0;
}
