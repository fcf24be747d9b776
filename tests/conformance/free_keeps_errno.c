// free preserves errno, also where it gives mappings back to the system.
#include <errno.h>
#include "support/memory.h"

int main(void) {
  static void* blocks[64];
  FOR_EACH_EDGE_SIZE(size) {
    for (int i = 0; i < 64; ++i) blocks[i] = size > 100000 && i > 4 ? NULL : malloc(size);
    for (int i = 0; i < 64; ++i) {
      errno = 1000 + i;
      free(blocks[i]);
      CHECK_EQUAL_AT(size, 1000 + i, errno);
    }
  }
  void* huge = malloc((size_t)64 << 20);
  errno = 77;
  free(huge);
  CHECK_EQUAL(77, errno);
  return 0;
}
