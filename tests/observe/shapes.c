// A program whose heap has the shape that a test asks for: says "ready" and waits until its
// standard input ends. What it does is known to the byte, so that statistics can be checked.
//
//   shapes SHAPE [NUMBER...]
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t numbers[8];
static char** words;

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void ready_and_wait(void) {
  char line[64];
  if (write(1, "ready\n", 6) != 6) die("write");
  while (read(0, line, sizeof line) > 0) {
  }
}

static char* filled(size_t size) {
  char* const block = malloc(size);
  if (block == NULL) die("malloc");
  memset(block, 1, size);
  return block;
}

static char** blocks;
static void fill(size_t count, size_t size) {
  blocks = mmap(NULL, count * sizeof *blocks + 1, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < count; ++i) blocks[i] = filled(size);
}

// live COUNT SIZE: that many blocks.
static void live(void) {
  fill(numbers[0], numbers[1]);
  ready_and_wait();
}

// sparse COUNT SIZE KEEP: of every KEEP blocks one stays.
static void sparse(void) {
  fill(numbers[0], numbers[1]);
  for (size_t i = 0; i < numbers[0]; ++i) {
    if (i % numbers[2] != 0) free(blocks[i]);
  }
  ready_and_wait();
}

// freed COUNT SIZE: all given back.
static void freed(void) {
  fill(numbers[0], numbers[1]);
  for (size_t i = 0; i < numbers[0]; ++i) free(blocks[i]);
  ready_and_wait();
}

// counted COUNT SIZE: so many blocks, one after another.
static void counted(void) {
  for (size_t i = 0; i < numbers[0]; ++i) free(filled(numbers[1]));
  ready_and_wait();
}

// zeros SIZE: a block that is read and never written.
static void zeros(void) {
  const volatile char* const block = calloc(1, numbers[0]);
  if (block == NULL) die("calloc");
  char sum = 0;
  for (size_t i = 0; i < numbers[0]; i += 4096) sum = (char)(sum + block[i]);
  if (sum != 0) exit(1);
  ready_and_wait();
}

// mapped SIZE: memory that the program maps itself.
static void mapped(void) {
  char* const memory =
      mmap(NULL, numbers[0], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(memory, 1, numbers[0]);
  ready_and_wait();
}

// shared SIZE: memory shared with other processes.
static void shared(void) {
  const int file = memfd_create("numbers", 0);
  if (ftruncate(file, (off_t)numbers[0]) != 0) die("ftruncate");
  char* const memory = mmap(NULL, numbers[0], PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  memset(memory, 1, numbers[0]);
  ready_and_wait();
}

// brk SIZE: the classic heap.
static void classic(void) {
  char* const memory = sbrk((intptr_t)numbers[0]);
  memset(memory, 1, numbers[0]);
  ready_and_wait();
}

static pthread_barrier_t all_done;
static void* thread(void* unused) {
  (void)unused;
  char stack[256 * 1024];
  memset(stack, 1, sizeof stack);
  __asm__ volatile("" : : "r"(stack) : "memory");
  pthread_setname_np(pthread_self(), "worker");
  char** const mine = (char**)filled(numbers[1] * sizeof(char*));
  for (size_t i = 0; i < numbers[1]; ++i) mine[i] = filled(numbers[2]);
  for (size_t i = 1; i < numbers[1]; ++i) free(mine[i]);
  pthread_barrier_wait(&all_done);
  for (;;) pause();
  return NULL;
}

// threads COUNT BLOCKS SIZE: each has so many blocks and frees all but one.
static void threads(void) {
  pthread_barrier_init(&all_done, NULL, (unsigned)numbers[0] + 1);
  for (size_t i = 0; i < numbers[0]; ++i) {
    pthread_t made;
    pthread_create(&made, NULL, thread, NULL);
  }
  pthread_barrier_wait(&all_done);
  ready_and_wait();
}

// forked COUNT SIZE: a child that allocates that much; the child's number comes first.
static void forked(void) {
  for (int i = 0; i < 100; ++i) free(filled(100000));
  fill(numbers[0], numbers[1]);
  const pid_t child = fork();
  if (child == 0) {
    fill(numbers[0], numbers[1]);
    printf("child %d\n", (int)getpid());
    fflush(stdout);
    ready_and_wait();
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void* replace(void* unused) {
  (void)unused;
  for (;;) {
    char one[1];
    if (read(0, one, 1) == 1) execvp(words[0], words);
  }
  return NULL;
}

// replaced PROGRAM...: becomes another program when it is written to.
static void replaced(void) {
  pthread_t made;
  pthread_create(&made, NULL, replace, NULL);
  if (write(1, "ready\n", 6) != 6) die("write");
  for (;;) pause();
}

// daemon: closes all its descriptors, as servers do, and enters an empty folder as root.
static void hermit(void) {
  char folder[] = "/tmp/strata-hermit-XXXXXX";
  if (mkdtemp(folder) == NULL) die("mkdtemp");
  if (geteuid() == 0 && chroot(folder) != 0) die("chroot");
  close_range(3, ~0U, 0);
  ready_and_wait();
  rmdir(folder);
}

// protected COUNT SIZE: blocks that begin at a page, which nobody may touch; one of two is freed.
static void protected_blocks(void) {
  for (size_t i = 0; i < numbers[0]; ++i) {
    char* const block = aligned_alloc(4096, numbers[1]);
    if (block == NULL) die("aligned_alloc");
    memset(block, 1, numbers[1]);
    if (i % 2 != 0) {
      free(block);
    } else if (mprotect(block, 4096, PROT_NONE) != 0) {
      die("mprotect");
    }
  }
  ready_and_wait();
}

// refused: asks for more than there can be.
static void refused(void) {
  void* volatile block = NULL;
  for (int i = 0; i < 3; ++i) block = malloc((size_t)1 << 62);
  if (block != NULL) exit(1);
  ready_and_wait();
}

// busy THREADS: blocks of all sizes come and go as fast as they can.
static void* churn(void* seed) {
  unsigned state = (unsigned)(size_t)seed * 2654435761U + 1;
  char* kept[512] = {0};
  for (;;) {
    state = state * 1664525U + 1013904223U;
    char** const place = &kept[state >> 8 & 511];
    free(*place);
    *place = malloc(1 + ((state >> 17) % 100 == 0 ? state >> 12 : (state >> 17) % 4096));
    if (*place != NULL) **place = 1;
  }
  return NULL;
}
static void busy(void) {
  for (size_t i = 0; i < numbers[0]; ++i) {
    pthread_t made;
    pthread_create(&made, NULL, churn, (void*)i);
  }
  ready_and_wait();
}

static const struct {
  const char* name;
  void (*make)(void);
} shapes[] = {
    {"live", live},       {"sparse", sparse},     {"freed", freed},
    {"counted", counted}, {"zeros", zeros},       {"mapped", mapped},
    {"shared", shared},   {"classic", classic},   {"threads", threads},
    {"forked", forked},   {"replaced", replaced}, {"hermit", hermit},
    {"refused", refused}, {"busy", busy},         {"protected", protected_blocks},
};

int main(int count, char** arguments) {
  words = arguments + 2;
  for (int i = 2; i < count && i < 10; ++i) numbers[i - 2] = strtoull(arguments[i], NULL, 10);
  for (size_t i = 0; count > 1 && i < sizeof shapes / sizeof shapes[0]; ++i) {
    if (strcmp(shapes[i].name, arguments[1]) == 0) {
      shapes[i].make();
      return 0;
    }
  }
  return 2;
}
