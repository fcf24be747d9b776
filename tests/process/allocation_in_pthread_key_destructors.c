// Destructors of thread-specific data allocate, free and set the key again, for as many rounds as
// the system runs, also after the allocator's own destructor has had its turn.
#include "support/memory.h"
#include "support/threads.h"

enum { keys = 20, rounds = 3 };
static pthread_key_t key[keys];
static int runs;

struct Value {
  int key, round;
  unsigned char bytes[300];
};

static struct Value* make_value(int of_key, int round) {
  struct Value* value = malloc(sizeof *value);
  CHECK(value != NULL);
  value->key = of_key;
  value->round = round;
  fill_pattern(value->bytes, sizeof value->bytes, 3);
  return value;
}

static void destroy(void* pointer) {
  struct Value* value = pointer;
  CHECK(has_pattern(value->bytes, sizeof value->bytes, 3));
  void* scratch[100];
  for (size_t i = 0; i < 100; ++i) scratch[i] = calloc(1, i * 50 + 1);
  for (size_t i = 0; i < 100; ++i) {
    CHECK(scratch[i] != NULL && is_zero(scratch[i], i * 50 + 1));
    free(scratch[i]);
  }
  if (value->round < rounds) {
    CHECK_EQUAL(0, pthread_setspecific(key[value->key], make_value(value->key, value->round + 1)));
  }
  free(value);
  __atomic_add_fetch(&runs, 1, __ATOMIC_RELAXED);
}

static void* body(void* unused) {
  for (int i = 0; i < keys; ++i) CHECK_EQUAL(0, pthread_setspecific(key[i], make_value(i, 1)));
  return unused;
}

int main(void) {
  for (int i = 0; i < keys; ++i) CHECK_EQUAL(0, pthread_key_create(&key[i], destroy));
  for (int i = 0; i < 150; ++i) join_thread(start_thread(body, NULL));
  CHECK_EQUAL(150 * keys * rounds, runs);
  return 0;
}
