// calloc clears what an earlier owner wrote, whichever way the memory came back.
#include "support/memory.h"

int main(void) {
  FOR_EACH_EDGE_SIZE(size) {
    const int count = size > 100000 ? 3 : 20;
    for (int round = 0; round < 4; ++round) {
      void* blocks[20];
      for (int i = 0; i < count; ++i) {
        blocks[i] = round % 2 == 0 ? malloc(size) : calloc(size, 1);
        CHECK(blocks[i] != NULL);
        if (round % 2 != 0) CHECK(is_zero(blocks[i], size));
        memset(blocks[i], 0xa5, size);
      }
      for (int i = 0; i < count; ++i) free(blocks[i]);
    }
  }
  return 0;
}
