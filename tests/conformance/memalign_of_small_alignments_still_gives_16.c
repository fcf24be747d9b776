// Alignments below that of malloc are served by a block as malloc gives it.
#include <malloc.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  for (size_t alignment = 1; alignment <= 8; alignment *= 2) {
    for (size_t size = 0; size < 2000; ++size) {
      void* block = memalign(alignment, size);
      CHECK(block != NULL);
      CHECK_EQUAL_AT(size, 0, (uintptr_t)block % 16);
      if (size % 2 == 0) free(block);
    }
  }
  return 0;
}
