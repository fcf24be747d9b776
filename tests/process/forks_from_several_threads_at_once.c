// Every thread forks, children fork again and start threads of their own: all have a heap.
#include <sys/wait.h>
#include "support/memory.h"
#include "support/threads.h"

static void* use_heap(void* seed) {
  uint64_t random = (uintptr_t)seed * 31 + 5;
  for (int i = 0; i < 300; ++i) {
    const size_t size = random_size(&random, 300000);
    void* block = calloc(1, size);
    CHECK(block != NULL && is_zero(block, size));
    memset(block, 0xee, size);
    free(block);
  }
  return NULL;
}

static void check_child(pid_t child) {
  int status;
  CHECK(child > 0);
  CHECK_EQUAL(child, waitpid(child, &status, 0));
  CHECK_EQUAL(0, status);
}

static void* fork_often(void* seed) {
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      const pthread_t thread = start_thread(use_heap, seed);
      const pid_t grandchild = fork();
      if (grandchild == 0) {
        alarm(20);
        use_heap(seed);
        _exit(0);
      }
      use_heap(seed);
      join_thread(thread);
      check_child(grandchild);
      _exit(0);
    }
    use_heap(seed);
    check_child(child);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  for (uintptr_t i = 0; i < 4; ++i) threads[i] = start_thread(fork_often, (void*)i);
  for (int i = 0; i < 4; ++i) join_thread(threads[i]);
  return 0;
}
