// A buffer that grows by a few bytes at a time, as string builders do, among other blocks.
#include "support/memory.h"

int main(void) {
  unsigned char* block = NULL;
  size_t size = 0;
  uint64_t random = 11;
  while (size < 600000) {
    const size_t next = size + 1 + next_random(&random) % (16 + size / 64);
    block = realloc(block, next);
    CHECK(block != NULL);
    CHECK(has_pattern(block, size, 9));
    for (size_t i = size; i < next; ++i) block[i] = pattern_byte(9, i);
    void* neighbour = malloc(next % 3000);
    CHECK(neighbour != NULL);
    if (next % 2 == 0) free(neighbour);
    size = next;
  }
  free(block);
  return 0;
}
