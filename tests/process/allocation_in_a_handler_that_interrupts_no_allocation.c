// malloc in a handler is the program's error, but where the handler interrupts no allocation of its
// own thread it is a call like any other: other threads' blocks stay whole.
#include <signal.h>
#include "support/memory.h"
#include "support/threads.h"

static int stop;
static volatile sig_atomic_t handled;

static void handler(int signal) {
  (void)signal;
  void* block = malloc(2000);
  memset(block, 0xcc, 2000);
  free(block);
  ++handled;
}
static void* only_wait(void* unused) {
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) pause();
  return unused;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  CHECK_EQUAL(0, sigaction(SIGUSR1, &action, NULL));
  const pthread_t waiting = start_thread(only_wait, NULL);
  for (size_t round = 0; round < 300; ++round) {
    pthread_kill(waiting, SIGUSR1);
    void* blocks[100];
    for (size_t i = 0; i < 100; ++i) {
      blocks[i] = malloc(2000);
      fill_pattern(blocks[i], 2000, i);
    }
    for (size_t i = 0; i < 100; ++i) {
      CHECK(has_pattern(blocks[i], 2000, i));
      free(blocks[i]);
    }
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  while (handled == 0) sleep_ms(1);
  for (int i = 0; i < 100; ++i) {
    if (pthread_kill(waiting, SIGUSR1) != 0) break;
    sleep_ms(1);
  }
  join_thread(waiting);
  return 0;
}
