// pthread_exit in main: the other threads go on with the heap, and with blocks of the main thread.
#include "support/memory.h"
#include "support/threads.h"

static void* block;
static pthread_t main_thread;

static void* go_on(void* unused) {
  CHECK_EQUAL(0, pthread_join(main_thread, NULL));
  CHECK(has_pattern(block, 70000, 1));
  block = realloc(block, 200000);
  CHECK(has_pattern(block, 70000, 1));
  free(block);
  for (size_t i = 0; i < 10000; ++i) free(malloc(i));
  exit(0);
  return unused;
}

int main(void) {
  main_thread = pthread_self();
  block = malloc(70000);
  fill_pattern(block, 70000, 1);
  start_thread(go_on, NULL);
  pthread_exit(NULL);
}
