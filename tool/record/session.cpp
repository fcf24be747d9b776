// A recording from start to end.
#include "record/session.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "libraries.hpp"
#include "record/collector.hpp"
#include "record/trace_sink.hpp"

namespace strata::record {
namespace {

volatile sig_atomic_t program = 0;  // its process id while it runs
volatile sig_atomic_t ended_by_user = 0;

// SIGINT and SIGQUIT come from the terminal, to the program as well: they are its affair.
void on_interrupt(int) {
  if (program == 0) ended_by_user = 1;
}
void on_terminate(int signal) {
  if (program != 0) {
    kill(program, signal);
  } else {
    ended_by_user = 1;
  }
}
void on_child(int) {}  // wakes us up

// A file that may grow no more is an error of writing for us; for the program what it was before.
struct sigaction file_too_large_before;

void handle_signals() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGQUIT, &action, nullptr);
  action.sa_handler = on_terminate;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
  action.sa_handler = on_child;
  sigaction(SIGCHLD, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGXFSZ, &action, &file_too_large_before);
}

[[noreturn]] void become(const SessionOptions& options, const std::string& memory,
                         const std::string& preload) {
  sigaction(SIGXFSZ, &file_too_large_before, nullptr);
  setenv(environment_name, memory.c_str(), 1);
  setenv("LD_PRELOAD", preload.c_str(), 1);
  std::vector<char*> arguments;
  arguments.reserve(options.command.size() + 1);
  for (const std::string& word : options.command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int error = errno;
  fmt::print(stderr, "strata: error: cannot run {}: {}\n", arguments[0], std::strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

SessionResult record(const SessionOptions& options) {
  using Clock = std::chrono::steady_clock;
  const std::string preload =
      tool::preload_of(tool::own_file("libstrata-record.so"), options.allocator);
  trace::Writer writer(options.trace, options.sites);
  TraceSink sink(writer, options.first_only, options.sites);
  Collector collector(sink, options.sites);
  handle_signals();
  // Whatever the program leaves running becomes our child, so that it is known to be there before
  // its first allocation tells.
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

  SessionResult result;
  const Clock::time_point begin = Clock::now();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (child == 0) become(options, collector.path(), preload);
  program = child;

  // Busy programs are looked after often, so that few buffers are in use; idle ones seldom.
  constexpr std::chrono::milliseconds shortest(2);
  constexpr std::chrono::milliseconds longest(20);
  std::chrono::milliseconds rest = shortest;
  Clock::time_point last_look = begin;
  Clock::time_point last_flush = begin;
  bool told = false;
  bool told_failure = false;
  while (ended_by_user == 0) {
    const Clock::time_point now = Clock::now();
    const bool look = now - last_look >= std::chrono::milliseconds(50) || program == 0;
    if (look) last_look = now;
    const std::uint64_t before = collector.events();
    collector.round(look);
    if (now - last_flush >= std::chrono::seconds(1)) {
      writer.flush();
      last_flush = now;
    }
    if (!writer.failure().empty() && !told_failure) {
      fmt::print(stderr, "strata: error: {}; the trace ends there, the program goes on\n",
                 writer.failure());
      told_failure = true;
    }
    siginfo_t ended{};
    bool has_children = true;
    while ((has_children = waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0) &&
           ended.si_pid != 0) {
      collector.round(true);  // while the kernel still knows what it used
      int status = 0;
      waitpid(ended.si_pid, &status, 0);
      if (ended.si_pid == child) {
        program = 0;
        result.exit_code = exit_code_of(status);
        result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      }
      ended.si_pid = 0;
    }
    const bool nobody_left = !has_children && collector.running() == 0;
    if (program == 0 && (options.first_only || nobody_left)) break;
    if (program == 0 && !told && now - begin > std::chrono::duration<double>(result.seconds + 1)) {
      fmt::print(stderr,
                 "strata: the program has ended; what it left running is recorded on "
                 "(Ctrl-C ends it)\n");
      told = true;
    }
    rest = collector.events() != before ? shortest : std::min(rest * 2, longest);
    const timespec time{0, long(rest.count()) * 1000000};
    nanosleep(&time, nullptr);
  }
  collector.finish();
  writer.finish();

  result.events = writer.events_written();
  result.bytes = writer.bytes_written();
  result.processes = sink.processes();
  result.lost = sink.lost();
  result.processes_lost = collector.processes_lost();
  result.failure = writer.failure();
  return result;
}

}  // namespace strata::record
