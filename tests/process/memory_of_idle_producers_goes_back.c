// Sixteen threads allocate, then only wait; the main thread frees all their blocks. Nothing is
// live, so next to nothing may stay resident, although the owners never call the heap again.
#include "support/memory.h"
#include "support/threads.h"

enum { producers = 16, blocks_each = 20000, block_bytes = 512 };
static void* blocks[producers][blocks_each];
static pthread_barrier_t produced, freed;

static void* produce(void* place) {
  void** mine = place;
  for (size_t i = 0; i < blocks_each; ++i) {
    mine[i] = malloc(block_bytes);
    memset(mine[i], 1, block_bytes);
  }
  pthread_barrier_wait(&produced);
  pthread_barrier_wait(&freed);
  return NULL;
}

int main(void) {
  pthread_t threads[producers];
  pthread_barrier_init(&produced, NULL, producers + 1);
  pthread_barrier_init(&freed, NULL, producers + 1);
  memset(blocks, 1, sizeof blocks);
  const long before = resident_kib();
  for (int i = 0; i < producers; ++i) threads[i] = start_thread(produce, blocks[i]);
  pthread_barrier_wait(&produced);
  CHECK(resident_kib() > before + 150000);
  for (int i = 0; i < producers; ++i) {
    for (int j = 0; j < blocks_each; ++j) free(blocks[i][j]);
  }
  CHECK_AT_MOST(before + 16384, wait_until_resident_at_most(before + 16384, 2000));
  pthread_barrier_wait(&freed);
  for (int i = 0; i < producers; ++i) join_thread(threads[i]);
  return 0;
}
