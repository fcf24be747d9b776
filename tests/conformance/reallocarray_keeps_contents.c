// reallocarray(p, n, size) is realloc(p, n * size).
#include "support/memory.h"

int main(void) {
  void* block = reallocarray(NULL, 10, 24);
  CHECK(block != NULL);
  fill_pattern(block, 240, 4);
  size_t size = 240;
  for (size_t count = 10; count < 100000; count *= 3) {
    block = reallocarray(block, count, 24);
    CHECK(block != NULL && has_pattern(block, size, 4));
    size = count * 24;
    fill_pattern(block, size, 4);
  }
  block = reallocarray(block, 5, 24);
  CHECK(block != NULL && has_pattern(block, 120, 4));
  CHECK(reallocarray(block, 0, 24) == NULL);
  return 0;
}
