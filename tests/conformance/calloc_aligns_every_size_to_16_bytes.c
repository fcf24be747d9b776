// calloc's blocks are aligned as malloc's are.
#include "support/memory.h"

int main(void) {
  for (size_t size = 0; size <= 4096; ++size) {
    void* block = calloc(1, size);
    CHECK(block != NULL);
    CHECK_EQUAL_AT(size, 0, (uintptr_t)block % 16);
    if (size % 3 == 0) free(block);
  }
  return 0;
}
