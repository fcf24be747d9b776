// Sizes that cannot be had, and alignments larger than the address space.
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  for (size_t alignment = 1; alignment <= (size_t)1 << 30; alignment *= 8) {
    CHECK_OUT_OF_MEMORY(memalign(alignment, SIZE_MAX));
    CHECK_OUT_OF_MEMORY(memalign(alignment, SIZE_MAX - 4096));
    CHECK_OUT_OF_MEMORY(memalign(alignment, (size_t)PTRDIFF_MAX + 1));
    CHECK_OUT_OF_MEMORY(memalign(alignment, PTRDIFF_MAX));
  }
  CHECK_OUT_OF_MEMORY(memalign((size_t)1 << 61, 100));
  return 0;
}
