// exit runs its handlers while other threads are in the middle of allocating: no crash, no hang.
#include <sys/wait.h>
#include "support/memory.h"
#include "support/threads.h"

static void* churn(void* unused) {
  uint64_t random = (uintptr_t)&unused | 1;
  void* blocks[64] = {NULL};
  while (unused == NULL) {
    void** place = &blocks[next_random(&random) % 64];
    free(*place);
    *place = malloc(random_size(&random, 100000));
  }
  return unused;
}
static void at_exit(void) {
  for (size_t i = 0; i < 200; ++i) free(malloc(i * 100));
}

int main(void) {
  for (int round = 0; round < 40; ++round) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(20);
      atexit(at_exit);
      for (int i = 0; i < 4; ++i) start_thread(churn, NULL);
      sleep_ms(5);
      exit(5);
    }
    int status;
    CHECK_EQUAL(child, waitpid(child, &status, 0));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
  }
  return 0;
}
