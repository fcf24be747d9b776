// A gigabyte's alignment costs addresses, not memory.
#include "support/memory.h"

int main(void) {
  for (int round = 0; round < 20; ++round) {
    void* block = NULL;
    CHECK_EQUAL(0, posix_memalign(&block, (size_t)1 << 30, 100));
    CHECK_ALIGNED((size_t)1 << 30, block);
    fill_pattern(block, 100, 1);
    free(block);
  }
  CHECK_AT_MOST(64 * 1024, resident_kib());
  return 0;
}
