// Handlers of pthread_atfork, registered before and after the first allocation, allocate and free.
#include <sys/wait.h>
#include "support/memory.h"
#include "support/threads.h"

static void* kept;
static int calls;
static void handler(void) {
  ++calls;
  free(kept);
  kept = malloc(1000 + (size_t)calls);
  CHECK(kept != NULL);
  free(malloc(300000));
}
__attribute__((constructor(101))) static void early(void) {
  pthread_atfork(handler, handler, handler);
}
static void* churn(void* unused) {
  for (int i = 0; i < 200000; ++i) free(malloc((size_t)i % 5000));
  return unused;
}

int main(void) {
  pthread_atfork(handler, handler, handler);
  const pthread_t thread = start_thread(churn, NULL);
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(20);
      free(kept);
      _exit(calls > 0 ? 0 : 1);
    }
    int status;
    CHECK_EQUAL(child, waitpid(child, &status, 0));
    CHECK_EQUAL(0, status);
  }
  join_thread(thread);
  CHECK_EQUAL(50 * 4, calls);
  return 0;
}
