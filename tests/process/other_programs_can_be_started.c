// vfork and exec, posix_spawn, system and popen, from a program whose threads allocate.
#include <spawn.h>
#include <sys/wait.h>
#include "support/memory.h"
#include "support/threads.h"

extern char** environ;
static int stop;

static void* churn(void* unused) {
  uint64_t random = 99;
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) free(malloc(random_size(&random, 500000)));
  return unused;
}
static void check_exit(pid_t child, int expected) {
  int status;
  CHECK_EQUAL(child, waitpid(child, &status, 0));
  CHECK(WIFEXITED(status));
  CHECK_EQUAL(expected, WEXITSTATUS(status));
}

int main(void) {
  const pthread_t thread = start_thread(churn, NULL);
  char* const arguments[] = {"sh", "-c", "exit 7", NULL};
  for (int i = 0; i < 25; ++i) {
    void* block = malloc(10000);
    fill_pattern(block, 10000, 1);
    pid_t child = vfork();
    if (child == 0) {
      execv("/bin/sh", arguments);
      _exit(1);
    }
    check_exit(child, 7);
    CHECK_EQUAL(0, posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ));
    check_exit(child, 7);
    CHECK_EQUAL(7, WEXITSTATUS(system("exit 7")));
    char line[100] = "";
    FILE* pipe = popen("echo hello", "r");
    CHECK(pipe != NULL && fgets(line, sizeof line, pipe) != NULL);
    CHECK_EQUAL(0, pclose(pipe));
    CHECK_EQUAL(0, strcmp(line, "hello\n"));
    CHECK(has_pattern(block, 10000, 1));
    free(block);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  join_thread(thread);
  return 0;
}
