// uordblks grows by what is allocated and falls when it is freed.
#include <malloc.h>
#include "support/memory.h"

static size_t in_use(void) {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

int main(void) {
  enum { count = 10000, size = 1000, total = count * size };
  static void* blocks[count];
  const size_t before = in_use();
  for (int i = 0; i < count; ++i) blocks[i] = malloc(size);
  const size_t during = in_use();
  CHECK(during >= before + total);
  CHECK_AT_MOST(before + total + total / 4, during);
  for (int i = 0; i < count; ++i) free(blocks[i]);
  CHECK_AT_MOST(before + total / 100, in_use());
  return 0;
}
