// Runs one program and says exactly what it cost: time, CPU, peak memory, page faults.
//
// Idea. The kernel keeps the peak resident size of a process across exec, so a program started
// straight from Python inherits Python's peak. This launcher is small and linked statically; what
// it starts begins at about one megabyte. It adopts orphans (daemons, helpers of a browser), counts
// them in, and ends them when the program itself has ended, so nothing is left behind.
//
// usage: measure REPORT_FD LIBRARY|- PROGRAM ARGUMENTS...
// Writes to REPORT_FD "pid N" at the start, and at the end
// "status wall_ns user_us system_us peak_rss_kib minor_faults major_faults", where status is as
// wait(2) gives it. LIBRARY becomes LD_PRELOAD of the program alone.
// Not here: limits on time (the caller kills) and capturing output (the caller redirects).
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// Kills what the program left running: as subreaper we are the parent of every orphan.
static void end_orphans(void) {
  char path[64], list[4096];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  for (;;) {
    const int fd = open(path, O_RDONLY);
    const ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof list - 1);
    if (fd >= 0) close(fd);
    if (n <= 0) break;
    list[n] = 0;
    for (char* at = strtok(list, " "); at != NULL; at = strtok(NULL, " ")) {
      if (atoi(at) > 0) kill(atoi(at), SIGKILL);
    }
    if (waitpid(-1, NULL, 0) < 0) break;
  }
}

int main(int count, char** words) {
  if (count < 4) return 2;
  const int report = atoi(words[1]);
  fcntl(report, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const long long start = now_ns();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (strcmp(words[2], "-") != 0) setenv("LD_PRELOAD", words[2], 1);
    execvp(words[3], words + 3);
    perror(words[3]);
    _exit(127);
  }
  dprintf(report, "pid %d\n", child);
  int status = 0;
  for (pid_t ended = 0; ended != child;) {
    ended = waitpid(-1, &status, 0);
    if (ended < 0) return 2;
  }
  const long long wall = now_ns() - start;
  end_orphans();
  struct rusage cost;
  getrusage(RUSAGE_CHILDREN, &cost);
  dprintf(report, "%d %lld %lld %lld %ld %ld %ld\n", status, wall,
          cost.ru_utime.tv_sec * 1000000LL + cost.ru_utime.tv_usec,
          cost.ru_stime.tv_sec * 1000000LL + cost.ru_stime.tv_usec, cost.ru_maxrss, cost.ru_minflt,
          cost.ru_majflt);
  return 0;
}
