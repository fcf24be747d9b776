// Thousands of short threads leave nothing behind: what one held cached, the next ones use.
#include "support/memory.h"
#include "support/threads.h"

static void* live_shortly(void* unused) {
  void* blocks[200];
  for (size_t i = 0; i < 200; ++i) {
    blocks[i] = malloc(i * 40);
    CHECK(blocks[i] != NULL);
    memset(blocks[i], 1, i * 40);
  }
  for (size_t i = 0; i < 200; ++i) free(blocks[i]);
  return unused;
}

int main(void) {
  for (int i = 0; i < 200; ++i) join_thread(start_thread(live_shortly, NULL));
  const long warm = resident_kib();
  for (int i = 0; i < 1000; ++i) {
    const pthread_t one = start_thread(live_shortly, NULL),
                    other = start_thread(live_shortly, NULL);
    join_thread(one);
    join_thread(other);
  }
  // Up to the dirty limit may stay resident; 2000 threads that left something would be far beyond.
  CHECK_AT_MOST(warm + 8192 + 1024, resident_kib());
  return 0;
}
