// Uses the whole family where the system refuses what protections are made of, and then frees a
// block twice. Tells "survived" if it goes on.
//
// Usage: hardship NAME
//   none        nothing is refused
//   old-kernel  no guard markers (MADV_GUARD_INSTALL), from the process's first instruction on
//   markers     guard markers are refused from now on, as in a sandbox that a program enters when
//               it has used the heap for a while
//   guards      from the start of main on, and so is taking protection away (mprotect to PROT_NONE)
//   mprotect    guard markers and every change of protection
//   addresses   256 MiB of addresses, from the process's first instruction on (ulimit -v)
//   mappings    all but a few of the mappings that a process may have are used up (max_map_count)
//   few-guards  the same where there are no guard markers, so that each guard takes a mapping
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "support/use_everything.h"

enum { install_guard = 102, remove_guard = 103, refused_by = EPERM };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS_EQUAL(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static void refuse(unsigned errno_of_markers, int protections, int any_protection) {
  struct sock_filter steps[] = {
      LOAD(nr),
      SKIP_UNLESS_EQUAL(SYS_madvise, 4),
      LOAD(args[2]),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, install_guard, 1, 0),
      SKIP_UNLESS_EQUAL(remove_guard, 1),
      RETURN(SECCOMP_RET_ERRNO | errno_of_markers),
      LOAD(nr),
      SKIP_UNLESS_EQUAL(protections ? SYS_mprotect : 0xffff, 3),
      LOAD(args[2]),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, any_protection ? 0 : PROT_READ, any_protection ? 0 : 1,
               0),
      RETURN(SECCOMP_RET_ERRNO | refused_by),
      RETURN(SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof steps / sizeof steps[0], steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    SKIP("this kernel takes no seccomp filter");
  }
}

// Some hardships differ where the kernel has no markers.
static void want_markers(void) {
  char* const page =
      mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(page != MAP_FAILED);
  if (madvise(page, 1, install_guard) != 0) SKIP("this kernel has no guard markers");
}

static char* hoard;
static size_t page;
static size_t used;
enum { most_mappings = 140000 };  // as many as can be used up within seconds

static void use_up_mappings(void) {
  page = (size_t)sysconf(_SC_PAGESIZE);
  hoard = mmap(NULL, most_mappings * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
  CHECK(hoard != MAP_FAILED);
  used = 1;
  while (used < most_mappings && mprotect(hoard + used * page, page, PROT_READ) == 0) used += 2;
  if (used >= most_mappings) SKIP("this system allows more mappings than the test can use up");
}

static void begin_again(const char* program) {
  execl(program, program, "go-on", (char*)NULL);
  check_stop(check_exit_failed, "cannot run %s: %s", program, strerror(errno));
}

static struct Everything area;

int main(int count, char** arguments) {
  const char* const name = count > 1 ? arguments[1] : "";
  if (strcmp(name, "old-kernel") == 0) {
    refuse(EINVAL, 0, 0);
    begin_again(arguments[0]);
  } else if (strcmp(name, "addresses") == 0) {
    const struct rlimit limit = {256 << 20, 256 << 20};
    CHECK_EQUAL(0, setrlimit(RLIMIT_AS, &limit));
    begin_again(arguments[0]);
  } else if (strcmp(name, "markers") == 0) {
    want_markers();
    use_everything(&area, 3, 2);
    refuse(refused_by, 0, 0);
  } else if (strcmp(name, "guards") == 0) {
    refuse(refused_by, 1, 0);
  } else if (strcmp(name, "mprotect") == 0) {
    refuse(refused_by, 1, 1);
  } else if (strcmp(name, "mappings") == 0 || strcmp(name, "few-guards") == 0) {
    if (strcmp(name, "mappings") == 0) want_markers();
    if (strcmp(name, "few-guards") == 0) refuse(EINVAL, 0, 0);
    use_up_mappings();
    use_everything(&area, 1, 2);
    for (size_t spare = 2; spare < 200; spare *= 3) {
      for (size_t i = 0; i < spare; ++i) munmap(hoard + (used -= 2) * page, page);
      use_everything(&area, spare, 2);
    }
  } else if (strcmp(name, "none") != 0 && strcmp(name, "go-on") != 0) {
    check_stop(check_exit_failed, "usage: hardship NAME, which %s is not", name);
  }
  use_everything(&area, 7, 4);
  // What is left of the protections still finds this, if there is memory for a block at all.
  char* volatile twice = malloc(48);
  if (twice != NULL) {
    free(twice);
    free(twice);
  }
  fputs("survived\n", stderr);
  return 0;
}
