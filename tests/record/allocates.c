/* A program that allocates in known ways, one a name, for the tests of recording.

   steps      100 mallocs, 10 callocs, 5 reallocs that grow, 3 aligned, 50 frees; prints what it did
   threads    4 threads, 20000 times: take a block, hand it to the next thread, free what came
   fork       a child by fork that frees its parent's blocks and takes its own
   rawfork    the same by the bare system call
   vfork      a child by vfork that allocates
   exec       becomes itself, with steps
   huge       requests that are refused, 20 GiB untouched, realloc to 40 GiB
   kill, crash, quit   allocates 1000 blocks and ends by SIGKILL, SIGSEGV, _exit(3)
   daemon     starts a child that allocates for a while, and ends
   forever    allocates until it is ended
   sleep      allocates, says "ready", and waits for SIGTERM, which makes it exit with 7 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void* blocks[2000];

static void take(int count) {
  for (int i = 0; i < count; ++i) blocks[i] = malloc(100 + i % 50);
}

static void steps(void) {
  take(100);
  for (int i = 0; i < 10; ++i) blocks[100 + i] = calloc(7, 11);
  for (int i = 0; i < 5; ++i) blocks[i] = realloc(blocks[i], 5000 + i);
  for (int i = 0; i < 3; ++i) blocks[110 + i] = aligned_alloc(256, 512);
  for (int i = 0; i < 50; ++i) free(blocks[i]);
}

enum { rings = 4, rounds = 20000, capacity = 64 };
static struct Ring {
  pthread_mutex_t lock;
  void* items[capacity];
  int count;
} ring[rings];
static pthread_barrier_t together;

static void* one_of_the_ring(void* argument) {
  const int self = (int)(long)argument;
  struct Ring* const mine = &ring[self];
  struct Ring* const next = &ring[(self + 1) % rings];
  for (int i = 0; i < rounds; ++i) {
    if (i % 40 == 0) pthread_barrier_wait(&together); /* nobody runs far ahead */
    void* block = malloc((size_t)(16 + (i * 7 + self) % 400));
    pthread_mutex_lock(&next->lock);
    if (next->count < capacity) {
      next->items[next->count++] = block;
      block = NULL;
    }
    pthread_mutex_unlock(&next->lock);
    free(block);
    pthread_mutex_lock(&mine->lock);
    void* const came = mine->count > 0 ? mine->items[--mine->count] : NULL;
    pthread_mutex_unlock(&mine->lock);
    if (came != NULL && i % 3 == 0) {
      free(realloc(came, 500));
    } else {
      free(came);
    }
  }
  return NULL;
}

static void threads(void) {
  pthread_t all[rings];
  pthread_barrier_init(&together, NULL, rings);
  for (int i = 0; i < rings; ++i) pthread_mutex_init(&ring[i].lock, NULL);
  for (long i = 0; i < rings; ++i) pthread_create(&all[i], NULL, one_of_the_ring, (void*)i);
  for (int i = 0; i < rings; ++i) pthread_join(all[i], NULL);
  for (int i = 0; i < rings; ++i) {
    while (ring[i].count > 0) free(ring[i].items[--ring[i].count]);
  }
}

static void child_and_parent(pid_t child) {
  if (child == 0) {
    for (int i = 0; i < 50; ++i) free(blocks[i]);
    for (int i = 0; i < 20; ++i) free(malloc(33));
    _exit(0);
  }
  waitpid(child, NULL, 0);
  for (int i = 0; i < 100; ++i) free(blocks[i]);
}

static void huge(void) {
  volatile size_t too_much = (size_t)1 << 63;
  void* block = malloc(too_much);
  block = calloc(too_much, 8);
  block = malloc((size_t)20 << 30);
  void* const larger = realloc(block, (size_t)40 << 30);
  if (larger != NULL) block = larger;
  if (realloc(block, too_much) != NULL) abort();
  free(block);
}

static void on_terminate(int number) {
  (void)number;
  _exit(7);
}

int main(int count, char** arguments) {
  const char* const what = count > 1 ? arguments[1] : "steps";
  if (strcmp(what, "steps") == 0) {
    steps();
  } else if (strcmp(what, "threads") == 0) {
    threads();
  } else if (strcmp(what, "fork") == 0) {
    take(100);
    child_and_parent(fork());
  } else if (strcmp(what, "rawfork") == 0) {
    take(100);
    child_and_parent((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  } else if (strcmp(what, "vfork") == 0) {
    take(100);
    const pid_t child = vfork();
    if (child == 0) {
      free(malloc(77));
      _exit(0);
    }
    waitpid(child, NULL, 0);
    free(malloc(78));
  } else if (strcmp(what, "exec") == 0) {
    take(100);
    execl("/proc/self/exe", "allocates", "steps", (char*)NULL);
  } else if (strcmp(what, "huge") == 0) {
    huge();
  } else if (strcmp(what, "daemon") == 0) {
    if (fork() == 0) {
      for (int i = 0; i < 30; ++i) {
        free(malloc(100));
        nanosleep(&(struct timespec){0, 10000000}, NULL);
      }
    }
  } else if (strcmp(what, "forever") == 0) {
    for (unsigned i = 0;; ++i) {
      free(blocks[i % 2000]);
      blocks[i % 2000] = malloc(i * 2654435761u % 2000);
    }
  } else if (strcmp(what, "sleep") == 0) {
    signal(SIGTERM, on_terminate);
    take(100);
    if (write(1, "ready\n", 6) != 6) return 1;
    pause();
  } else {
    take(1000);
    if (strcmp(what, "kill") == 0) kill(getpid(), SIGKILL);
    if (strcmp(what, "crash") == 0) *(volatile int*)0 = 1;
    _exit(3);
  }
  return 0;
}
