// Blocks of many megabytes grow and shrink with their contents, in place or moved.
#include "support/memory.h"

int main(void) {
  size_t size = (size_t)1 << 20;
  unsigned char* block = malloc(size);
  CHECK(block != NULL);
  fill_pattern(block, size, 1);
  static const size_t megabytes[] = {2, 5, 3, 17, 40, 8, 33, 1, 64, 2};
  for (size_t i = 0; i < sizeof megabytes / sizeof megabytes[0]; ++i) {
    const size_t next = (megabytes[i] << 20) + i * 4000 + 1;
    block = realloc(block, next);
    CHECK(block != NULL);
    CHECK(has_pattern(block, size < next ? size : next, 1));
    fill_pattern(block, next, 1);
    size = next;
  }
  free(block);
  return 0;
}
