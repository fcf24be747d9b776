// Several threads meet the limit at the same moment: all get NULL and ENOMEM, none hangs, and when
// they have freed what they hold, the heap is as good as before.
#include <errno.h>
#include <sys/resource.h>
#include "support/memory.h"
#include "support/threads.h"

static void* exhaust(void* seed) {
  uint64_t random = (uintptr_t)seed + 1;
  for (int round = 0; round < 3; ++round) {
    void** list = NULL;
    int refusals = 0;
    size_t given = 0;
    while (refusals < 20 && given < ((size_t)1 << 30)) {
      const size_t size = random_size(&random, 100000) + sizeof(void*);
      errno = 0;
      void** block = malloc(size);
      if (block == NULL) {
        CHECK_EQUAL(ENOMEM, errno);
        ++refusals;
        continue;
      }
      given += size;
      *block = list;
      list = block;
    }
    CHECK_EQUAL(20, refusals);
    while (list != NULL) {
      void** next = *list;
      free(list);
      list = next;
    }
  }
  return NULL;
}

int main(int count, char** arguments) {
  if (count == 1) {
    const struct rlimit limit = {(size_t)200 << 20, (size_t)200 << 20};
    CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
    execl(arguments[0], arguments[0], "limited", NULL);
    return 1;
  }
  alarm(40);
  pthread_t threads[4];
  for (uintptr_t i = 0; i < 4; ++i) threads[i] = start_thread(exhaust, (void*)i);
  for (int i = 0; i < 4; ++i) join_thread(threads[i]);
  void* block = malloc((size_t)60 << 20);
  CHECK(block != NULL);
  free(block);
  return 0;
}
