// realloc(NULL, n) is malloc(n), also for n = 0.
#include "support/memory.h"

int main(void) {
  FOR_EACH_EDGE_SIZE(size) {
    void* block = realloc(NULL, size);
    CHECK(block != NULL);
    CHECK_ALIGNED(16, block);
    fill_pattern(block, size, size);
    CHECK(has_pattern(block, size, size));
    free(block);
  }
  return 0;
}
