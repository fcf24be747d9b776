// A program with one illness, by name: says "ready" and waits until its standard input ends.
// `strata doctor` must name the illness first (doctor_test.py says which it must name).
//
//   ill ILLNESS
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { mebibyte = 1 << 20 };

static char* filled(size_t size) {
  char* const block = malloc(size);
  if (block == NULL) _exit(1);
  return memset(block, 1, size);
}

// Fills and frees all but one block of so many, so that few pages are free.
static void leave_one_in(size_t keep, size_t size, size_t bytes) {
  const size_t count = bytes / size;
  char** const blocks = mmap(NULL, count * sizeof *blocks, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < count; ++i) blocks[i] = filled(size);
  for (size_t i = 0; i < count; ++i) {
    if (i % keep != 0) free(blocks[i]);
  }
  munmap(blocks, count * sizeof *blocks);
}

static void healthy(void) { leave_one_in(1, 1000, 50 * mebibyte); }

static void dirty(void) {
  char* blocks[500];
  for (int i = 0; i < 500; ++i) blocks[i] = filled(100000);
  for (int i = 0; i < 500; ++i) free(blocks[i]);
}

static void sparse_class(void) {
  leave_one_in(20, 48, 40 * mebibyte);
  leave_one_in(1, 1000, 10 * mebibyte);
}

static void fragmented(void) {
  for (size_t size = 32; size < 600; size += 16) leave_one_in(6, size, 2 * mebibyte);
}

static pthread_barrier_t done;

static void* hoarder(void* unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "hoarder");
  fragmented();
  pthread_barrier_wait(&done);
  for (;;) pause();
  return NULL;
}
static void* idler(void* unused) {
  (void)unused;
  leave_one_in(1, 200, mebibyte / 2);
  pthread_barrier_wait(&done);
  for (;;) pause();
  return NULL;
}
static void thread_cache(void) {
  pthread_barrier_init(&done, NULL, 4);
  for (int i = 0; i < 3; ++i) {
    pthread_t made;
    pthread_create(&made, NULL, i == 0 ? hoarder : idler, NULL);
  }
  pthread_barrier_wait(&done);
}

static void* deep(void* unused) {
  (void)unused;
  char frame[3 * mebibyte];
  memset(frame, 1, sizeof frame);
  __asm__ volatile("" : : "r"(frame) : "memory");
  pthread_barrier_wait(&done);
  for (;;) pause();
  return NULL;
}
static void stacks(void) {
  pthread_barrier_init(&done, NULL, 21);
  for (int i = 0; i < 20; ++i) {
    pthread_t made;
    pthread_create(&made, NULL, deep, NULL);
  }
  pthread_barrier_wait(&done);
}

static char table[60 * mebibyte] = {1};
static void program(void) { memset(table, 1, sizeof table); }

static void touched_mapping(int file, int flags, size_t bytes) {
  char* const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (memory == MAP_FAILED) _exit(1);
  memset(memory, 1, bytes);
}
static void own_mappings(void) { touched_mapping(-1, MAP_PRIVATE | MAP_ANONYMOUS, 50 * mebibyte); }
static void shared_memory(void) { touched_mapping(-1, MAP_SHARED | MAP_ANONYMOUS, 50 * mebibyte); }
static void mapped_file(void) {
  char name[] = "/tmp/strata-ill-XXXXXX";
  const int file = mkstemp(name);
  unlink(name);
  if (ftruncate(file, 50 * mebibyte) != 0) _exit(1);
  touched_mapping(file, MAP_SHARED, 50 * mebibyte);
}
static void classic_heap(void) { memset(sbrk(50 * mebibyte), 1, 50 * mebibyte); }

// One block in each of many slabs: with huge pages all the rest of them is resident too.
static void* scatterer(void* unused) {
  (void)unused;
  for (size_t size = 256; size <= 4096; size += 128) filled(size);
  pthread_barrier_wait(&done);
  for (;;) pause();
  return NULL;
}
static void scattered(void) {
  enum { threads = 60 };
  pthread_barrier_init(&done, NULL, threads + 1);
  for (int i = 0; i < threads; ++i) {
    pthread_t made;
    pthread_create(&made, NULL, scatterer, NULL);
  }
  pthread_barrier_wait(&done);
}

static void shrunk(void) {
  for (int i = 0; i < 40; ++i) {
    char* const block = filled(1000000);
    if (realloc(block, 900000) == NULL) _exit(1);
  }
  // What is behind the new end stays resident when it is little; grown blocks leave more.
  for (int i = 0; i < 40; ++i) {
    char* block = filled(3000000);
    block = realloc(block, 2700000);
    if (block == NULL) _exit(1);
    if (realloc(block, 2650000) == NULL) _exit(1);
  }
}

static void refused(void) {
  for (int i = 0; i < 5; ++i) {
    void* volatile block = malloc((size_t)400 * mebibyte);
    if (block != NULL) _exit(1);
  }
}

static void mappings(void) {
  for (int i = 0; i < 62000; ++i) {
    if (mmap(NULL, 4096, i % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
        MAP_FAILED) {
      break;
    }
  }
}

static const struct {
  const char* name;
  void (*fall_ill)(void);
} illnesses[] = {
    {"healthy", healthy},
    {"dirty", dirty},
    {"sparse_class", sparse_class},
    {"fragmented", fragmented},
    {"thread_cache", thread_cache},
    {"stacks", stacks},
    {"program", program},
    {"own_mappings", own_mappings},
    {"shared_memory", shared_memory},
    {"mapped_file", mapped_file},
    {"classic_heap", classic_heap},
    {"scattered", scattered},
    {"shrunk", shrunk},
    {"refused", refused},
    {"mappings", mappings},
};

int main(int count, char** arguments) {
  for (size_t i = 0; count > 1 && i < sizeof illnesses / sizeof illnesses[0]; ++i) {
    if (strcmp(illnesses[i].name, arguments[1]) != 0) continue;
    illnesses[i].fall_ill();
    char line[64];
    if (write(1, "ready\n", 6) != 6) return 1;
    while (read(0, line, sizeof line) > 0) {
    }
    return 0;
  }
  return 2;
}
