// What threads held when they ended is free for others and for the system once it is freed.
#include "support/memory.h"
#include "support/threads.h"

enum { threads = 8, blocks_each = 20000, block_bytes = 1000 };
static void* blocks[threads][blocks_each];

static void* produce(void* place) {
  void** mine = place;
  for (size_t i = 0; i < blocks_each; ++i) {
    mine[i] = malloc(block_bytes);
    memset(mine[i], 1, block_bytes);
  }
  return NULL;
}
static void* free_all(void* place) {
  void** theirs = place;
  for (size_t i = 0; i < blocks_each; ++i) free(theirs[i]);
  return NULL;
}

int main(void) {
  memset(blocks, 1, sizeof blocks);
  const long before = resident_kib();
  for (int i = 0; i < threads; ++i) join_thread(start_thread(produce, blocks[i]));
  CHECK(resident_kib() > before + 150000);
  for (int i = 0; i < threads; ++i) join_thread(start_thread(free_all, blocks[threads - 1 - i]));
  CHECK_AT_MOST(before + 16384, wait_until_resident_at_most(before + 16384, 2000));
  return 0;
}
