// arena = uordblks + fordblks, and what may be trimmed is not more than what is free.
#include <malloc.h>
#include "support/memory.h"

static void check_sums(void) {
  const struct mallinfo2 info = mallinfo2();
  CHECK_EQUAL(info.arena, info.uordblks + info.fordblks);
  CHECK_AT_MOST(info.fordblks, info.keepcost);
}

int main(void) {
  uint64_t random = 9;
  void* blocks[5000];
  check_sums();
  for (int i = 0; i < 5000; ++i) blocks[i] = malloc(random_size(&random, 50000));
  check_sums();
  for (int i = 0; i < 5000; i += 3) free(blocks[i]);
  check_sums();
  CHECK(mallinfo2().arena > 0 && mallinfo2().uordblks > 0);
  return 0;
}
