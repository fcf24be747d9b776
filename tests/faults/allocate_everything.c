// What the fault injector runs: the walk through the whole family in one thread and in two, where
// any call may be refused, then blocks that one thread leaves to another. 0 if it lived.
#include "support/threads.h"
#include "support/use_everything.h"

static struct Everything areas[3];

static void* use_area(void* number) {
  use_everything(&areas[(uintptr_t)number], (uintptr_t)number, 1);
  return malloc(3000);
}

int main(void) {
  use_area(NULL);
  pthread_t threads[2];
  uintptr_t started = 0;
  while (started < 2 &&
         pthread_create(&threads[started], NULL, use_area, (void*)(started + 1)) == 0) {
    ++started;
  }
  for (uintptr_t i = 0; i < started; ++i) free(join_thread(threads[i]));
  use_area(NULL);
  return 0;
}
