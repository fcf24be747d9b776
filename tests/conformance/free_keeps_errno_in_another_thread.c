// free preserves errno also when the block is another thread's.
#include <errno.h>
#include "support/memory.h"
#include "support/threads.h"

static void* blocks[20000];

static void* free_all(void* unused) {
  (void)unused;
  for (int i = 0; i < 20000; ++i) {
    errno = i + 1;
    free(blocks[i]);
    CHECK_EQUAL(i + 1, errno);
  }
  return NULL;
}

int main(void) {
  uint64_t random = 5;
  for (int i = 0; i < 20000; ++i) blocks[i] = malloc(random_size(&random, 100000));
  join_thread(start_thread(free_all, NULL));
  return 0;
}
