// How the heap joins the process. See process.hpp.
#include "front/process.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/print.hpp"
#include "harden/diagnose.hpp"
#include "harden/guard_samples.hpp"
#include "harden/harden.hpp"
#include "harden/settings.hpp"
#include "heap/heap.hpp"
#include "observe/observer.hpp"
#include "observe/profile_settings.hpp"
#include "options/options.hpp"

// What pthread_atfork calls. Its own code would be linked behind all of ours, and bring pages into
// every process that nothing else there needs.
// NOLINTBEGIN(readability-identifier-naming): glibc's names
extern "C" int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(),
                                 void* library) noexcept;
extern "C" void* __dso_handle __attribute__((visibility("hidden")));
// NOLINTEND(readability-identifier-naming)

namespace strata::front {
namespace {

// The key whose destructor runs when a thread ends. 0: not made, 1: being made, 2: made.
constinit Atomic<unsigned> key_state;
pthread_key_t exit_key;
constinit Atomic<unsigned> options_read;
// Where the statistics go when the program ends; -1: none are wanted.
constinit int statistics_file = -1;

void thread_exits(void*) noexcept { heap::finish_thread(); }

void thread_starts() noexcept {
  unsigned expected = 0;
  if (key_state.compare_exchange(expected, 1, Order::acq_rel)) {
    pthread_key_create(&exit_key, thread_exits);
    key_state.store(2, Order::release);
  }
  while (key_state.load(Order::acquire) != 2) cpu_relax();
  // May allocate; the thread's heap exists by now.
  pthread_setspecific(exit_key, &exit_key);
}

void say_settings() noexcept {
  Line line;
  line.text("strata: reserve ").size(range_settings.reserve);
  line.text(", dirty limit ").size(range_settings.dirty_limit);
  line.text(", purge delay ").number(range_settings.purge_delay).text(" ms");
  line.text(range_settings.provision == Provision::lazy ? ", commit lazy" : ", commit eager");
  if (range_settings.huge_pages_after == RangeSettings::never) {
    line.text(", no huge pages\n");
  } else {
    line.text(", huge pages after ").size(range_settings.huge_pages_after).text("\n");
  }
  LinuxPlatform::write_error(line.c_str(), line.length());
}

void read_options(char** environment) noexcept {
  if (environment == nullptr) return;  // libc is not ready; the constructor comes back
  unsigned expected = 0;
  if (!options_read.compare_exchange(expected, 1, Order::acq_rel)) return;
  if (getauxval(AT_SECURE) != 0) {
    options::read_secure_environment(environment, LinuxPlatform::write_error);
    // As strict, but it does not tell where things are, nor listen to signals.
    if (harden::settings.mode == harden::Mode::diagnose) {
      harden::settings.mode = harden::Mode::hardened;
    }
  } else {
    options::read_environment(environment, LinuxPlatform::write_error);
  }
  if (harden::settings.mode != harden::Mode::standard) {
    harden::prepare();
    const bool tells = harden::settings.mode == harden::Mode::diagnose;
    if (tells) harden::prepare_diagnosis();
    heap::start_mode(tells ? harden::diagnose_calls : harden::hardened_calls);
  } else if (harden::settings.guard_sample != 0) {
    harden::sample_guards(harden::settings.guard_sample);
  }
  if (options::values.verbose) say_settings();
  // Programs that close their standard error at exit (GNU's do) would leave us nowhere to print.
  if (options::values.stats_at_exit) statistics_file = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
}

void first_use() noexcept { read_options(environ); }

void warn(const char* text) noexcept { LinuxPlatform::write_error(text, __builtin_strlen(text)); }

void start_profile() noexcept {
  using observe::profiler::Start;
  if (observe::profile_settings.path[0] == 0) return;
  switch (
      observe::profiler::start(observe::profile_settings.path, observe::profile_settings.mean)) {
    case Start::not_in_this_mode:
      return warn("strata: warning: no heap profile: only the default mode has one\n");
    case Start::refused_memory:
      return warn(
          "strata: warning: no heap profile: STRATA_PROFILE is for `strata profile` to set\n");
    default:
      return;
  }
}

void before_fork() noexcept {
  observe::profiler::before_fork();
  heap::before_fork();
}
void after_fork_in_parent() noexcept {
  heap::after_fork_in_parent();
  observe::profiler::after_fork_in_parent();
}
void after_fork_in_child() noexcept {
  heap::after_fork_in_child();
  observe::profiler::after_fork_in_child();
  observe::start_again_after_fork();
}

[[gnu::constructor(101)]] void join_process(int, char**, char** environment) noexcept {
  read_options(environment);
  start_profile();
  __register_atfork(before_fork, after_fork_in_parent, after_fork_in_child, &__dso_handle);
  if (!options::values.observe) return;
  if (!observe::start(options::values.board)) {
    constexpr char text[] = "strata: warning: the system refuses what STRATA_OBSERVE needs\n";
    LinuxPlatform::write_error(text, sizeof text - 1);
  }
}

[[gnu::destructor]] void leave_process() noexcept {
  heap::verify_at_exit();
  if (options::values.observe) observe::finish();
  if (statistics_file >= 0) print_statistics(statistics_file);
}

}  // namespace
}  // namespace strata::front

namespace strata::heap {
constinit const Hook on_thread_start = front::thread_starts;
constinit const Hook on_first_use = front::first_use;
}  // namespace strata::heap
