// measure OUT INTERVAL_MS COMMAND... runs a command and writes what it cost.
//
// Idea. The figures the kernel keeps for a waited-for child are exact, but its peak of resident
// memory starts with that of the process that forked it; a launcher of a few hundred KiB keeps that
// below any program's own. Meanwhile the launcher reads the resident memory of the child and of all
// its descendants every INTERVAL_MS milliseconds (0: never), for the curve and the last value.
//
// It is linked statically, so LD_PRELOAD in the environment reaches the command alone.
// OUT gets "name value" lines: wall, user, system (seconds), peak_kib (of the largest process),
// faults (minor), status, end_kib (last sample), and "sample MS KIB" lines.
//
// Not here: what the figures mean; counting system calls.
// Cost: a sample reads one small file per process, about 20 microseconds.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr int most_samples = 20000;
struct Sample {
  double milliseconds;
  long kib;
};
Sample samples[most_samples];
int sample_count = 0;

double now_ms() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return double(time.tv_sec) * 1e3 + double(time.tv_nsec) * 1e-6;
}

// The content of a small file as a string in `buffer`; empty when it cannot be read.
void read_small(const char* path, char* buffer, size_t capacity) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t length = file < 0 ? 0 : read(file, buffer, capacity - 1);
  if (file >= 0) close(file);
  buffer[length > 0 ? length : 0] = 0;
}

// Pages of the process and of the children of its first thread, and theirs.
long resident_pages(int process, int depth) {
  char path[64];
  char buffer[1024];
  snprintf(path, sizeof path, "/proc/%d/statm", process);
  read_small(path, buffer, sizeof buffer);
  const char* const second = strchr(buffer, ' ');
  long pages = second != nullptr ? atol(second) : 0;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", process, process);
  read_small(path, buffer, sizeof buffer);
  for (char* at = buffer; depth > 0 && *at != 0;) {
    char* end = at;
    const long child = strtol(at, &end, 10);
    if (end == at) break;
    pages += resident_pages(int(child), depth - 1);
    at = *end == ' ' ? end + 1 : end;
  }
  return pages;
}

volatile sig_atomic_t child = 0;
void pass_on(int signal) {
  if (child > 0) kill(child, signal);
}

// Starts the command; its standard streams are ours.
int start(char** command) {
  const int process = fork();
  if (process != 0) return process;
  // The launcher's mask is not the program's.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvp(command[0], command);
  perror(command[0]);
  _exit(127);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: measure OUT INTERVAL_MS COMMAND...\n");
    return 2;
  }
  const long interval = atol(arguments[2]);
  // The child's end wakes us from sleep: the signal waits, blocked, until we ask for it.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  signal(SIGTERM, pass_on);
  signal(SIGINT, pass_on);

  const double begin = now_ms();
  child = start(arguments + 3);
  if (child < 0) {
    perror("measure: fork");
    return 1;
  }
  const long page_kib = sysconf(_SC_PAGESIZE) / 1024;
  const timespec step = {interval / 1000, interval % 1000 * 1000000};
  rusage usage = {};
  int status = 0;
  for (;;) {
    const int ended = wait4(child, &status, interval > 0 ? WNOHANG : 0, &usage);
    if (ended == child) break;
    if (interval > 0) {
      const long kib = resident_pages(child, 4) * page_kib;
      if (kib > 0 && sample_count < most_samples) samples[sample_count++] = {now_ms() - begin, kib};
      sigtimedwait(&ends, nullptr, &step);
    }
  }
  const double wall = now_ms() - begin;
  FILE* const out = fopen(arguments[1], "w");
  if (out == nullptr) {
    perror(arguments[1]);
    return 1;
  }
  fprintf(out, "wall %.6f\nuser %ld.%06ld\nsystem %ld.%06ld\n", wall / 1e3, usage.ru_utime.tv_sec,
          usage.ru_utime.tv_usec, usage.ru_stime.tv_sec, usage.ru_stime.tv_usec);
  fprintf(out, "peak_kib %ld\nfaults %ld\nstatus %d\n", usage.ru_maxrss, usage.ru_minflt,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  if (sample_count > 0) fprintf(out, "end_kib %ld\n", samples[sample_count - 1].kib);
  for (int i = 0; i < sample_count; ++i) {
    fprintf(out, "sample %.1f %ld\n", samples[i].milliseconds, samples[i].kib);
  }
  fclose(out);
  return 0;
}
