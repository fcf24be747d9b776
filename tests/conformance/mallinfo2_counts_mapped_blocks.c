// A block of 64 MiB shows in the sum of uordblks and hblkhd while it lives, and not after.
#include <malloc.h>
#include "support/memory.h"

static size_t in_use(void) {
  const struct mallinfo2 info = mallinfo2();
  CHECK_EQUAL(info.hblks == 0, info.hblkhd == 0);
  return info.uordblks + info.hblkhd;
}

int main(void) {
  const size_t size = (size_t)64 << 20;
  const size_t before = in_use();
  void* block = malloc(size);
  CHECK(in_use() >= before + size);
  CHECK_AT_MOST(before + size + size / 8, in_use());
  free(block);
  CHECK_AT_MOST(before + 65536, in_use());
  return 0;
}
