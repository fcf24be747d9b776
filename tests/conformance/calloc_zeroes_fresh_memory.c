// Every byte that calloc gives is zero, for every size.
#include "support/memory.h"

int main(void) {
  for (size_t size = 1; size <= 2048; ++size) {
    void* block = calloc(size, 1);
    CHECK(block != NULL && is_zero(block, size));
  }
  FOR_EACH_EDGE_SIZE(size) {
    void* block = calloc(1, size);
    CHECK(block != NULL && is_zero(block, size));
  }
  return 0;
}
