// Every block suits any type: 16 bytes, whatever the size, the small ones too.
#include "support/memory.h"

static void check_some_of(size_t size) {
  void* blocks[3];
  for (int i = 0; i < 3; ++i) {
    blocks[i] = malloc(size);
    CHECK(blocks[i] != NULL);
    CHECK_EQUAL_AT(size, 0, (uintptr_t)blocks[i] % 16);
  }
  for (int i = 0; i < 3; ++i) free(blocks[i]);
}

int main(void) {
  for (size_t size = 0; size <= 4096; ++size) check_some_of(size);
  for (size_t size = 4097; size <= 300000; size += 487) check_some_of(size);
  FOR_EACH_EDGE_SIZE(size) check_some_of(size);
  return 0;
}
