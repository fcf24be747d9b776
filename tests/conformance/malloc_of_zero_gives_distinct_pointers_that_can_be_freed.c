// malloc(0) gives a pointer of its own that free takes (the choice of the GNU library).
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  void* blocks[100];
  for (int i = 0; i < 100; ++i) {
    blocks[i] = malloc(0);
    CHECK(blocks[i] != NULL);
    CHECK_ALIGNED(16, blocks[i]);
    for (int j = 0; j < i; ++j) CHECK(blocks[j] != blocks[i]);
  }
  for (int i = 0; i < 100; ++i) free(blocks[i]);
  return 0;
}
