// Bytes that another living thread holds are in use too.
#include <malloc.h>
#include "support/memory.h"
#include "support/threads.h"

static pthread_barrier_t allocated, counted;

static void* hold(void* unused) {
  void* blocks[1000];
  for (int i = 0; i < 1000; ++i) blocks[i] = malloc(2000);
  pthread_barrier_wait(&allocated);
  pthread_barrier_wait(&counted);
  for (int i = 0; i < 1000; ++i) free(blocks[i]);
  return unused;
}

int main(void) {
  pthread_barrier_init(&allocated, NULL, 2);
  pthread_barrier_init(&counted, NULL, 2);
  const size_t before = mallinfo2().uordblks;
  const pthread_t thread = start_thread(hold, NULL);
  pthread_barrier_wait(&allocated);
  CHECK(mallinfo2().uordblks >= before + 2000000);
  pthread_barrier_wait(&counted);
  join_thread(thread);
  CHECK_AT_MOST(before + 100000, mallinfo2().uordblks);
  return 0;
}
