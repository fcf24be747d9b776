// workloads NAME runs one workload and prints what it did; the allocator is chosen by LD_PRELOAD.
//
//   workloads --list                    name, group and one line about each
//   workloads NAME [--scale X] [--threads N] [--parameter N] [--settle MS]
//
// Prints "name value" lines: operations, seconds (steady part), resident_end (KiB, all freed),
// resident_settled (KiB, after --settle milliseconds of idling), allocator (the file that serves
// malloc, so that a library that was not loaded cannot pass for one that was).
#include <dlfcn.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "workload.hpp"

namespace workloads {

double now_seconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

namespace {

// Reads and parses without the allocator under test.
long resident_kib() {
  char buffer[128] = {};
  const int file = open("/proc/self/statm", O_RDONLY);
  const ssize_t length = file < 0 ? -1 : read(file, buffer, sizeof buffer - 1);
  if (file >= 0) close(file);
  const char* const resident = length > 0 ? strchr(buffer, ' ') : nullptr;
  return resident != nullptr ? atol(resident) * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

template <class Visit>
void for_each_workload(Visit visit) {
  for (const auto& part :
       {churn_workloads(), batch_workloads(), family_workloads(), large_workloads(),
        container_workloads(), thread_workloads(), handover_workloads(), scaling_workloads()}) {
    for (const Workload& workload : part) visit(workload);
  }
}

int usage() {
  fprintf(stderr,
          "usage: workloads --list\n"
          "       workloads NAME [--scale X] [--threads N] [--parameter N] [--settle MS]\n");
  return 2;
}

int run_one(const Workload& workload, Run& run, long settle) {
  const double begin = now_seconds();
  workload.body(run);
  const double took = now_seconds() - begin;
  const long at_end = resident_kib();
  if (settle > 0) {
    const timespec time = {settle / 1000, settle % 1000 * 1000000};
    nanosleep(&time, nullptr);
  }
  const long settled = resident_kib();
  printf("operations %llu\n", static_cast<unsigned long long>(run.operations.load()));
  printf("seconds %.6f\n", run.seconds != 0 ? run.seconds : took);
  printf("resident_end %ld\nresident_settled %ld\n", at_end, settled);
  if (run.misaligned != 0) printf("misaligned %zu\n", run.misaligned);
  Dl_info info;
  void* const address = dlsym(RTLD_DEFAULT, "malloc");
  printf("allocator %s\n", dladdr(address, &info) != 0 ? info.dli_fname : "unknown");
  return 0;
}

}  // namespace
}  // namespace workloads

int main(int count, char** arguments) {
  using namespace workloads;
  if (count == 2 && strcmp(arguments[1], "--list") == 0) {
    for_each_workload([](const Workload& workload) {
      printf("%s\t%s\t%s\n", workload.name, workload.group, workload.about);
    });
    return 0;
  }
  if (count < 2 || count % 2 != 0) return usage();
  Run run;
  long settle = 0;
  for (int i = 2; i < count; i += 2) {
    const char* const value = arguments[i + 1];
    if (strcmp(arguments[i], "--scale") == 0) {
      run.scale = atof(value);
    } else if (strcmp(arguments[i], "--threads") == 0) {
      run.threads = unsigned(atoi(value));
    } else if (strcmp(arguments[i], "--parameter") == 0) {
      run.parameter = strtoull(value, nullptr, 10);
    } else if (strcmp(arguments[i], "--settle") == 0) {
      settle = atol(value);
    } else {
      return usage();
    }
  }
  if (!(run.scale > 0) || run.threads == 0) return usage();
  int result = -1;
  for_each_workload([&](const Workload& workload) {
    if (strcmp(workload.name, arguments[1]) == 0) result = run_one(workload, run, settle);
  });
  if (result < 0) fprintf(stderr, "workloads: no workload '%s' (try --list)\n", arguments[1]);
  return result < 0 ? 2 : result;
}
