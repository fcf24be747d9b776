// 200 threads that used 1000 small blocks each and freed them: at most 150 KiB of each stay
// resident, stacks included.
#include "support/memory.h"
#include "support/threads.h"

enum { threads = 200 };
static pthread_barrier_t used, measured;

static void* use_and_wait(void* seed) {
  void* blocks[1000];
  uint64_t random = (uintptr_t)seed + 1;
  for (int i = 0; i < 1000; ++i) {
    const size_t size = 16 + next_random(&random) % 500;
    blocks[i] = malloc(size);
    memset(blocks[i], 1, size);
  }
  for (int i = 0; i < 1000; ++i) free(blocks[i]);
  pthread_barrier_wait(&used);
  pthread_barrier_wait(&measured);
  return NULL;
}

int main(void) {
  pthread_t all[threads];
  pthread_barrier_init(&used, NULL, threads + 1);
  pthread_barrier_init(&measured, NULL, threads + 1);
  const long before = resident_kib();
  for (uintptr_t i = 0; i < threads; ++i) all[i] = start_thread(use_and_wait, (void*)i);
  pthread_barrier_wait(&used);
  CHECK_AT_MOST(150 * threads, wait_until_resident_at_most(before + 150 * threads, 1500) - before);
  pthread_barrier_wait(&measured);
  for (int i = 0; i < threads; ++i) join_thread(all[i]);
  return 0;
}
