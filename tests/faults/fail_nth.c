// The fault injector: runs a program again and again, and makes the n-th memory system call of the
// library under test fail, for n = 1, 2, ... until the program ends without an n-th call. Each run
// must end with 0: a call that fails is NULL and ENOMEM to the program, never a crash or a hang.
//
// Idea. A seccomp filter stops the program at mmap, munmap, mremap, mprotect and madvise only; the
// tracer looks whether the call stands in the library's own code (so that neither the loader nor
// stdio is hurt) and, if it is the n-th, has the kernel skip it and return the error. Nothing in
// the library knows of this.
//
// Usage: fail_nth LIBRARY once|onward ERRNO-NUMBER CALLS|all PROGRAM [ARGUMENTS]
//   once: only the n-th call fails; onward: it and all that follow. CALLS: madvise,mprotect ...
//   LIBRARY is preloaded. FAULTS_COUNTED_IN=part of a path counts calls from that file instead, for
//   allocators that call the C library's wrappers.
#include "support/check.h"

#if !defined(__x86_64__)
int main(void) { SKIP("the fault injector knows x86-64 only"); }
#else

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

enum { most_runs = 20000, seconds_a_run = 20 };

static const struct {
  const char* name;
  unsigned number;
} calls[] = {{"mmap", SYS_mmap},
             {"munmap", SYS_munmap},
             {"mremap", SYS_mremap},
             {"mprotect", SYS_mprotect},
             {"madvise", SYS_madvise}};
enum { call_count = sizeof calls / sizeof calls[0] };

static int watched[call_count];
static const char* library;
static const char* counted_file;  // calls from this file count
static int onward, error_number;
static pid_t child;

static const char* call_name(unsigned long number) {
  for (int i = 0; i < call_count; ++i) {
    if (calls[i].number == number) return calls[i].name;
  }
  return "?";
}

static void install_filter(void) {
  struct sock_filter program[2 * call_count + 2];
  unsigned short length = 0;
  program[length++] =
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < call_count; ++i) {
    if (!watched[i]) continue;
    program[length++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  }
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const struct sock_fprog filter = {length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    _exit(check_exit_skipped);
  }
}

// Is the address inside code of the counted file? The executable mapping is looked up once a run.
static int in_counted_file(pid_t process, unsigned long address) {
  static pid_t known;
  static unsigned long start, end;
  if (known != child || start == 0) {
    start = end = 0;
    known = child;
    char path[64], line[PATH_MAX + 200];
    snprintf(path, sizeof path, "/proc/%d/maps", process);
    FILE* maps = fopen(path, "r");
    if (maps == NULL) return 0;
    while (fgets(line, sizeof line, maps) != NULL) {
      unsigned long from, to;
      char rights[8];
      if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[2] == 'x' &&
          strstr(line, counted_file) != NULL) {
        start = from;
        end = to;
      }
    }
    fclose(maps);
  }
  return address >= start && address < end;
}

static pid_t start_program(char** arguments) {
  const pid_t process = fork();
  if (process == 0) {
    setenv("LD_PRELOAD", library, 1);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    install_filter();
    execv(arguments[0], arguments);
    _exit(check_exit_failed);
  }
  int status;
  CHECK_EQUAL(process, waitpid(process, &status, 0));
  if (!WIFSTOPPED(status)) SKIP("ptrace is not allowed here");
  const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
                       PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
  CHECK_EQUAL(0, ptrace(PTRACE_SETOPTIONS, process, NULL, options));
  ptrace(PTRACE_CONT, process, NULL, 0);
  return process;
}

static volatile sig_atomic_t too_late;
static void on_alarm(int signal) {
  (void)signal;
  too_late = 1;
  kill(child, SIGKILL);
}

// Runs the program once. Sets *seen to the number of calls met; returns its wait status.
static int run(char** arguments, long nth, long* seen, char* which, size_t which_size) {
  *seen = 0;
  too_late = 0;
  child = start_program(arguments);
  alarm(seconds_a_run);
  for (;;) {
    int status;
    const pid_t process = waitpid(-1, &status, __WALL);
    if (process < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (process != child) continue;
      alarm(0);
      return status;
    }
    long deliver = 0;
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
      struct user_regs_struct registers;
      if (ptrace(PTRACE_GETREGS, process, NULL, &registers) == 0 &&
          in_counted_file(process, registers.rip)) {
        ++*seen;
        if (*seen == nth) snprintf(which, which_size, "%s", call_name(registers.orig_rax));
        if (onward ? *seen >= nth : *seen == nth) {
          registers.orig_rax = (unsigned long long)-1;  // no call at all
          registers.rax = (unsigned long long)-error_number;
          ptrace(PTRACE_SETREGS, process, NULL, &registers);
        }
      }
    } else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP) {
      deliver = WSTOPSIG(status);
    }
    ptrace(PTRACE_CONT, process, NULL, deliver);
  }
}

int main(int count, char** arguments) {
  if (count < 6) {
    check_stop(check_exit_failed, "usage: fail_nth LIBRARY once|onward ERRNO CALLS PROGRAM");
  }
  library = arguments[1];
  counted_file = getenv("FAULTS_COUNTED_IN");
  if (counted_file == NULL) counted_file = library;
  onward = strcmp(arguments[2], "onward") == 0;
  error_number = atoi(arguments[3]);
  for (int i = 0; i < call_count; ++i) {
    watched[i] = strcmp(arguments[4], "all") == 0 || strstr(arguments[4], calls[i].name) != NULL;
  }
  unsetenv("LD_PRELOAD");
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);

  long failures = 0;
  for (long nth = 1; nth <= most_runs; ++nth) {
    char which[32] = "";
    long seen;
    const int status = run(arguments + 5, nth, &seen, which, sizeof which);
    if (WIFEXITED(status) && WEXITSTATUS(status) == check_exit_skipped) SKIP("no seccomp filter");
    if (status != 0) {
      ++failures;
      fprintf(stderr, "call %ld (%s) %s fails with %s: %s %d\n", nth, which,
              onward ? "and all after" : "alone", strerrorname_np(error_number),
              too_late              ? "hung, killed by signal"
              : WIFSIGNALED(status) ? "killed by signal"
                                    : "exit status",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
      if (failures >= 20) break;
    }
    if (seen < nth) {
      if (nth == 1 && status == 0) {
        check_stop(check_exit_failed, "no such call was met in %s: nothing was tested",
                   counted_file);
      }
      printf("%ld calls were made to fail, %ld times the program did not live\n", nth - 1,
             failures);
      return failures == 0 ? 0 : 1;
    }
  }
  return 1;
}
#endif
