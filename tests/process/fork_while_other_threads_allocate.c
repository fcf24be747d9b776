// fork in a threaded program, whatever the other threads are doing with the heap at that moment:
// the child has a heap that works, with every block it inherited, and so has the parent.
#include <sys/wait.h>
#include "support/memory.h"
#include "support/threads.h"

static int stop;

static void* churn(void* seed) {
  uint64_t random = (uintptr_t)seed * 77 + 1;
  void* blocks[128] = {NULL};
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    void** place = &blocks[next_random(&random) % 128];
    free(*place);
    *place = malloc(random_size(&random, 2000000) + 1);
    if (*place != NULL) *(char*)*place = 1;
  }
  for (int i = 0; i < 128; ++i) free(blocks[i]);
  return NULL;
}

static void use_heap(uint64_t random) {
  void* blocks[300];
  size_t sizes[300];
  for (size_t i = 0; i < 300; ++i) {
    sizes[i] = random_size(&random, 2000000);
    blocks[i] = malloc(sizes[i]);
    CHECK(blocks[i] != NULL);
    fill_pattern(blocks[i], sizes[i] < 5000 ? sizes[i] : 5000, i);
  }
  for (size_t i = 0; i < 300; ++i) {
    CHECK(has_pattern(blocks[i], sizes[i] < 5000 ? sizes[i] : 5000, i));
    free(blocks[i]);
  }
}

int main(void) {
  pthread_t threads[4];
  for (uintptr_t i = 0; i < 4; ++i) threads[i] = start_thread(churn, (void*)i);
  void* inherited[100];
  for (size_t i = 0; i < 100; ++i) {
    inherited[i] = malloc(i * 300 + 1);
    fill_pattern(inherited[i], i * 300 + 1, i);
  }
  for (uint64_t round = 1; round <= 120; ++round) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(20);  // a heap locked by a thread that is not here would hang for ever
      use_heap(round);
      for (size_t i = 0; i < 100; ++i) {
        CHECK(has_pattern(inherited[i], i * 300 + 1, i));
        free(inherited[i]);
      }
      join_thread(start_thread(churn, (void*)(uintptr_t)(stop = 1)));
      exit(0);
    }
    use_heap(round);
    int status;
    CHECK_EQUAL(child, waitpid(child, &status, 0));
    CHECK_EQUAL_AT(round, 0, status);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < 4; ++i) join_thread(threads[i]);
  return 0;
}
