// Runs a program in surroundings where the kernel refuses some system calls, from its first
// instruction on, by a seccomp filter.
//
// Usage: helper_refuse ERRNO-NUMBER CALL[,CALL...] PROGRAM [ARGUMENTS]
//        helper_refuse kill huge-pages PROGRAM [ARGUMENTS]: asking for huge pages is fatal.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "support/check.h"

static const struct {
  const char* name;
  unsigned number;
} calls[] = {{"madvise", SYS_madvise},
             {"mremap", SYS_mremap},
             {"munmap", SYS_munmap},
             {"membarrier", SYS_membarrier},
             {"getrandom", SYS_getrandom},
             {"prctl", SYS_prctl},
             {"getcpu", SYS_getcpu},
             {"sched_getaffinity", SYS_sched_getaffinity},
             {"sysinfo", SYS_sysinfo},
             {"mincore", SYS_mincore},
             {"process_madvise", 440},
             {"rseq", 334},
             {"clock_gettime", SYS_clock_gettime}};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS_EQUAL(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static struct sock_filter program[64];
static unsigned short length;
static void add(struct sock_filter step) { program[length++] = step; }

static void refuse(char* names, unsigned code) {
  add((struct sock_filter)LOAD(nr));
  for (char* name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
    size_t i = 0;
    while (i < sizeof calls / sizeof calls[0] && strcmp(calls[i].name, name) != 0) ++i;
    if (i == sizeof calls / sizeof calls[0]) check_stop(check_exit_failed, "unknown: %s", name);
    add((struct sock_filter)SKIP_UNLESS_EQUAL(calls[i].number, 1));
    add((struct sock_filter)RETURN(SECCOMP_RET_ERRNO | code));
  }
}
static void forbid_huge_pages(void) {
  enum { madv_hugepage = 14, madv_collapse = 25, map_hugetlb = 0x40000 };
  const struct sock_filter steps[] = {
      LOAD(nr),
      SKIP_UNLESS_EQUAL(SYS_madvise, 5),
      LOAD(args[2]),
      SKIP_UNLESS_EQUAL(madv_hugepage, 1),
      RETURN(SECCOMP_RET_KILL_PROCESS),
      SKIP_UNLESS_EQUAL(madv_collapse, 1),
      RETURN(SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
      SKIP_UNLESS_EQUAL(SYS_mmap, 3),
      LOAD(args[3]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, map_hugetlb, 0, 1),
      RETURN(SECCOMP_RET_KILL_PROCESS),
  };
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; ++i) add(steps[i]);
}

int main(int count, char** arguments) {
  if (count < 4) check_stop(check_exit_failed, "usage: helper_refuse ERRNO CALLS PROGRAM...");
  if (strcmp(arguments[1], "kill") == 0) {
    forbid_huge_pages();
  } else {
    refuse(arguments[2], (unsigned)atoi(arguments[1]));
  }
  add((struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
  const struct sock_fprog filter = {length, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    SKIP("this kernel takes no seccomp filter");
  }
  execvp(arguments[3], arguments + 3);
  check_stop(check_exit_failed, "cannot run %s: %s", arguments[3], strerror(errno));
}
