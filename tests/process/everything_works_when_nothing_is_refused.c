// The walk through the whole family, alone, then in four threads; no call may fail. Also what other
// tests run in hard surroundings: with the argument "tolerant" refusals are right answers.
#include "support/threads.h"
#include "support/use_everything.h"

static int tolerant;
static struct Everything areas[5];

static void* use_area(void* number) {
  const size_t refused = use_everything(&areas[(uintptr_t)number], (uintptr_t)number, 3);
  if (!tolerant) CHECK_EQUAL(0, refused);
  return NULL;
}

int main(int count, char** arguments) {
  tolerant = count > 1 && strcmp(arguments[1], "tolerant") == 0;
  use_area(NULL);
  pthread_t threads[4];
  uintptr_t started = 0;
  while (started < 4 &&
         pthread_create(&threads[started], NULL, use_area, (void*)(started + 1)) == 0) {
    ++started;
  }
  CHECK(tolerant || started == 4);
  for (uintptr_t i = 0; i < started; ++i) join_thread(threads[i]);
  return 0;
}
