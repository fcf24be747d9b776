// What the programs that misuse the heap on purpose have in common: sizes by name, the error made
// by this thread or by another, and pointers that the compiler cannot see through.
//
//   PROGRAM small|medium|large|huge own|other
//
// Each file does one thing wrong in `misuse(size)` and says in lines that begin with //= what has
// to come of it; run.py reads them. A program that lives on ends with 0, after "survived".
#ifndef STRATA_TESTS_ERRORS_MISUSE_H
#define STRATA_TESTS_ERRORS_MISUSE_H

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

static void misuse(size_t size);
static int by_other;

// Keeps the compiler from seeing where a pointer comes from.
static inline void* hide(const void* pointer) {
  void* hidden = (void*)pointer;
  __asm__ volatile("" : "+r"(hidden));
  return hidden;
}

static inline char* take(size_t size) {
  char* block = (char*)hide(malloc(size));
  if (block == NULL) exit(77);  // the surroundings are too narrow for this size
  block[0] = 1;
  return block;
}

// The other thread is there from the start: a thread that is born takes blocks, perhaps the very
// one that was just freed.
static struct {
  sem_t asked, done;
  void (*function)(void*);
  void* argument;
} other;
static inline void* serve(void* nothing) {
  for (;;) {
    sem_wait(&other.asked);
    other.function(other.argument);
    sem_post(&other.done);
  }
  return nothing;
}
static inline void start_other(void) {
  pthread_t thread;
  sem_init(&other.asked, 0, 0);
  sem_init(&other.done, 0, 0);
  if (pthread_create(&thread, NULL, serve, NULL) != 0) exit(77);
}
// Calls function(argument) in the other thread, and waits for it.
static inline void in_thread(void (*function)(void*), void* argument) {
  other.function = function;
  other.argument = argument;
  sem_post(&other.asked);
  sem_wait(&other.done);
}
// The same, or by this thread, as the command line says.
static inline void by_whom(void (*function)(void*), void* block) {
  if (by_other) {
    in_thread(function, hide(block));
  } else {
    function(hide(block));
  }
}
static inline void free_by_whom(void* block) { by_whom(free, block); }

int main(int count, char** arguments) {
  static const struct {
    const char* name;
    size_t bytes;
  } sizes[] = {{"small", 48}, {"medium", 20000}, {"large", 1000000}, {"huge", (size_t)3 << 29}};
  for (size_t i = 0; count == 3 && i < sizeof sizes / sizeof sizes[0]; ++i) {
    if (strcmp(arguments[1], sizes[i].name) != 0) continue;
    by_other = strcmp(arguments[2], "other") == 0;
    start_other();
    misuse(sizes[i].bytes);
    fputs("survived\n", stderr);
    _Exit(0);
  }
  fprintf(stderr, "usage: %s small|medium|large|huge own|other\n", arguments[0]);
  return 2;
}

#ifdef __cplusplus
}
#endif

#endif
