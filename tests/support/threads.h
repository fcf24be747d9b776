// Starting and joining threads in tests, with the checks that are always the same.
#ifndef STRATA_TESTS_SUPPORT_THREADS_H
#define STRATA_TESTS_SUPPORT_THREADS_H

#include <pthread.h>
#include "check.h"

static inline pthread_t start_thread(void* (*body)(void*), void* argument) {
  pthread_t thread;
  CHECK_EQUAL(0, pthread_create(&thread, NULL, body, argument));
  return thread;
}
static inline void* join_thread(pthread_t thread) {
  void* result = NULL;
  CHECK_EQUAL(0, pthread_join(thread, &result));
  return result;
}

#endif
