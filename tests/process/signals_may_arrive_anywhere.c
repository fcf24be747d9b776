// A storm of signals whose handlers do not allocate interrupts allocation wherever it happens to
// be, system calls included; the heap does not notice.
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include "support/memory.h"
#include "support/threads.h"

static volatile sig_atomic_t signals;
static int stop;

static void handler(int signal) {
  (void)signal;
  const int saved = errno;
  char scratch[3000];
  memset(scratch, signals & 255, sizeof scratch);
  ++signals;
  errno = saved;
}
static void* churn(void* seed) {
  uint64_t random = (uintptr_t)seed + 3;
  static __thread void* blocks[256];
  static __thread size_t sizes[256];
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    const size_t i = next_random(&random) % 256;
    if (blocks[i] != NULL) CHECK(has_pattern(blocks[i], sizes[i], i));
    free(blocks[i]);
    sizes[i] = random_size(&random, 500000);
    blocks[i] = malloc(sizes[i]);
    CHECK(blocks[i] != NULL);
    fill_pattern(blocks[i], sizes[i], i);
  }
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};  // no SA_RESTART: calls return EINTR
  CHECK_EQUAL(0, sigaction(SIGALRM, &action, NULL));
  CHECK_EQUAL(0, sigaction(SIGUSR1, &action, NULL));
  const struct itimerval often = {{0, 100}, {0, 100}};
  CHECK_EQUAL(0, setitimer(ITIMER_REAL, &often, NULL));
  pthread_t threads[3];
  for (uintptr_t i = 0; i < 3; ++i) threads[i] = start_thread(churn, (void*)i);
  // Signals to a thread that does not run become one: until enough have arrived.
  for (int i = 0; i < 20000 || signals <= 1000; ++i) {
    pthread_kill(threads[i % 3], SIGUSR1);
    if (i % 100 == 0) sleep_ms(1);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < 3; ++i) join_thread(threads[i]);
  return 0;
}
