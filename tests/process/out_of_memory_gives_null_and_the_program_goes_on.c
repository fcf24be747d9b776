// Under a limit set before the program starts, of address space or of data: allocate until NULL and
// ENOMEM, for small and large sizes; nothing that was given is damaged, and once some is freed
// there is memory again.
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "support/memory.h"

struct Link {
  struct Link* next;
  size_t size;
};

static void exhaust_and_go_on(size_t size, size_t limit) {
  struct Link* list = NULL;
  size_t taken = 0, count = 0;
  for (;;) {
    errno = 0;
    struct Link* block = malloc(size);
    if (block == NULL) break;
    block->next = list;
    block->size = size;
    fill_pattern(block + 1, 32, size);
    ((char*)block)[size - 1] = 1;
    list = block;
    taken += size;
    ++count;
    CHECK_AT_MOST(limit, taken);
  }
  CHECK_EQUAL(ENOMEM, errno);
  // Less than a third is no heap but a waste.
  if (taken < limit / 3) {
    check_stop(check_exit_failed, "blocks of %zu bytes: only %zu KiB of %zu KiB were given", size,
               taken >> 10, limit >> 10);
  }
  CHECK_OUT_OF_MEMORY(malloc(limit));
  CHECK_OUT_OF_MEMORY(calloc(limit, 1));
  CHECK_OUT_OF_MEMORY(realloc(list, limit));
  size_t walked = 0;
  while (list != NULL) {
    struct Link* next = list->next;
    CHECK(list->size == size && has_pattern(list + 1, 32, size));
    free(list);
    list = next;
    // Half is free: half of it can be had again.
    if (++walked == count / 2) {
      void* again[200];
      const size_t tries = count / 4 < 200 ? count / 4 : 200;
      for (size_t i = 0; i < tries; ++i) CHECK((again[i] = malloc(size)) != NULL);
      for (size_t i = 0; i < tries; ++i) free(again[i]);
    }
  }
}

static void run_limited(char* self, int resource, size_t megabytes) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    const struct rlimit limit = {megabytes << 20, megabytes << 20};
    CHECK_EQUAL(0, setrlimit(resource, &limit));
    char number[20];
    snprintf(number, sizeof number, "%zu", megabytes);
    execl(self, self, number, NULL);
    _exit(1);
  }
  int status;
  CHECK_EQUAL(child, waitpid(child, &status, 0));
  if (status != 0) {
    check_stop(check_exit_failed, "under %s of %zu MiB: status %d",
               resource == RLIMIT_AS ? "RLIMIT_AS" : "RLIMIT_DATA", megabytes, status);
  }
}

int main(int count, char** arguments) {
  if (count > 1) {
    const size_t limit = (size_t)atoi(arguments[1]) << 20;
    static const size_t sizes[] = {64, 100000, 1000, 5000000, 20000, 64, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
      exhaust_and_go_on(sizes[i], limit);
    }
    return 0;
  }
  for (size_t megabytes = 64; megabytes <= 256; megabytes *= 2) {
    run_limited(arguments[0], RLIMIT_AS, megabytes);
    run_limited(arguments[0], RLIMIT_DATA, megabytes);
  }
  return 0;
}
