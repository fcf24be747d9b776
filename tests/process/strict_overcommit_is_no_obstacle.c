// vm.overcommit_memory=2: the kernel promises no more memory than it has, so a heap must not ask
// for what it does not use. Programs start and run.
//
// The setting is the whole system's, so: only where it can be written (root, no container), only
// with gigabytes to spare, only while two small programs run; and a guardian process puts it back
// even if this one is killed.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include "support/memory.h"

static const char setting[] = "/proc/sys/vm/overcommit_memory";
extern char** environ;

static int set(char value) {
  const int file = open(setting, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t written = write(file, &value, 1);
  close(file);
  return written == 1 ? 0 : -1;
}
static int run(char** arguments) {
  pid_t child;
  int status = -1;
  CHECK_EQUAL(0, posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ));
  CHECK_EQUAL(child, waitpid(child, &status, 0));
  return status;
}

int main(int count, char** arguments) {
  if (count < 2) SKIP("no program given");
  char before = 0;
  const int file = open(setting, O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, &before, 1) != 1) SKIP("vm.overcommit_memory cannot be read");
  if (before == '2') return run(arguments + 1) == 0 ? 0 : 1;
  const long room =
      proc_number("/proc/meminfo", "CommitLimit:") - proc_number("/proc/meminfo", "Committed_AS:");
  if (room < 4 * 1024 * 1024) SKIP("too much memory is promised on this system already");
  int hold[2];
  CHECK_EQUAL(0, pipe2(hold, O_CLOEXEC));
  const pid_t guardian = fork();
  CHECK(guardian >= 0);
  if (guardian == 0) {
    setsid();
    signal(SIGTERM, SIG_IGN);
    close(hold[1]);
    char byte;
    while (read(hold[0], &byte, 1) > 0) {
    }
    _exit(set(before) == 0 ? 0 : 1);  // the end of the pipe is the end of the test, however it came
  }
  close(hold[0]);
  const int changed = set('2');
  const int status = changed == 0 ? run(arguments + 1) : 0;
  close(hold[1]);
  int restored = -1;
  CHECK_EQUAL(guardian, waitpid(guardian, &restored, 0));
  if (changed != 0) SKIP("vm.overcommit_memory cannot be changed");
  CHECK_EQUAL(0, restored);
  CHECK_EQUAL(0, status);
  return 0;
}
