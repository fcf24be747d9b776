// dlopen of libstrata.so beside the system's malloc: strata_malloc and strata_free serve, in
// threads that were there before too, and dlclose takes nothing away. Argument: the library's path.
#include <dlfcn.h>
#include "support/memory.h"
#include "support/threads.h"

static void* (*strata_malloc)(size_t);
static void (*strata_free)(void*);
static pthread_barrier_t opened;

static void use(void) {
  uint64_t random = 4;
  for (int round = 0; round < 200; ++round) {
    void* blocks[100];
    for (size_t i = 0; i < 100; ++i) {
      blocks[i] = strata_malloc(i * i);
      CHECK(blocks[i] != NULL);
      CHECK_ALIGNED(16, blocks[i]);
      fill_pattern(blocks[i], i * i, i);
      free(malloc(random_size(&random, 10000)));
    }
    for (size_t i = 0; i < 100; ++i) {
      CHECK(has_pattern(blocks[i], i * i, i));
      strata_free(blocks[i]);
    }
  }
}
static void* wait_and_use(void* unused) {
  pthread_barrier_wait(&opened);
  use();
  return unused;
}

int main(int count, char** arguments) {
  if (count < 2) SKIP("no library given");
  pthread_barrier_init(&opened, NULL, 2);
  const pthread_t before = start_thread(wait_and_use, NULL);
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) check_stop(check_exit_failed, "%s", dlerror());
  strata_malloc = (void* (*)(size_t))dlsym(library, "strata_malloc");
  strata_free = (void (*)(void*))dlsym(library, "strata_free");
  CHECK(strata_malloc != NULL && strata_free != NULL);
  pthread_barrier_wait(&opened);
  use();
  join_thread(before);
  void* block = strata_malloc(5000);
  fill_pattern(block, 5000, 2);
  CHECK_EQUAL(0, dlclose(library));
  CHECK(has_pattern(block, 5000, 2));
  strata_free(block);
  use();
  return 0;
}
