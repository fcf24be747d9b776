// Destructors of thread-specific data allocate, free and set the key again, for as many rounds as
// the system runs, also after the allocator's own destructor has had its turn.
#include <limits.h>
#include "support/memory.h"
#include "support/threads.h"

enum { keys = 20 };
static pthread_key_t key[keys];
static int runs;

static void destroy(void* value) {
  CHECK(has_pattern(value, 300, 3));
  void* scratch[100];
  for (size_t i = 0; i < 100; ++i) scratch[i] = calloc(1, i * 50 + 1);
  for (size_t i = 0; i < 100; ++i) {
    CHECK(scratch[i] != NULL && is_zero(scratch[i], i * 50 + 1));
    free(scratch[i]);
  }
  free(value);
  if (__atomic_add_fetch(&runs, 1, __ATOMIC_RELAXED) % 2 != 0) {
    void* next = malloc(300);
    fill_pattern(next, 300, 3);
    CHECK_EQUAL(0, pthread_setspecific(key[runs % keys], next));
  }
}

static void* body(void* unused) {
  for (int i = 0; i < keys; ++i) {
    void* value = malloc(300);
    fill_pattern(value, 300, 3);
    CHECK_EQUAL(0, pthread_setspecific(key[i], value));
  }
  return unused;
}

int main(void) {
  for (int i = 0; i < keys; ++i) CHECK_EQUAL(0, pthread_key_create(&key[i], destroy));
  for (int i = 0; i < 300; ++i) join_thread(start_thread(body, NULL));
  CHECK(runs >= 300 * keys);
  return 0;
}
