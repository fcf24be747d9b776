// Starting a program and ending like it. See launch.hpp.
#include "observe/launch.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

constexpr int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,  SIGUSR1,
                             SIGUSR2, SIGALRM, SIGCONT, SIGWINCH, SIGTSTP};

sigset_t forwarded_set() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : forwarded) sigaddset(&set, signal);
  return set;
}

[[noreturn]] void run_child(const std::vector<std::string>& command,
                            const std::vector<std::string>& environment, const sigset_t& mask,
                            int report) {
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
  }
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::execvp(arguments[0], arguments.data());
  const int error = errno;
  // The pipe closes by itself when the program has started.
  (void)!::write(report, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

std::uint64_t milliseconds_now() {
  timespec time = {};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::uint64_t(time.tv_sec) * 1000 + std::uint64_t(time.tv_nsec) / 1000000;
}

Launch::Launch(const std::vector<std::string>& command,
               const std::vector<std::string>& environment) {
  const sigset_t ours = forwarded_set();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &ours, &before);
  signals_ = ::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) throw Trouble("no pipe: {}", std::strerror(errno));
  started_ = milliseconds_now();
  process_ = ::fork();
  if (process_ < 0) throw Trouble("no new process: {}", std::strerror(errno));
  if (process_ == 0) run_child(command, environment, before, report[1]);
  ::close(report[1]);
  int error = 0;
  const bool failed = ::read(report[0], &error, sizeof error) == ssize_t(sizeof error);
  ::close(report[0]);
  if (failed) {
    ::waitpid(process_, nullptr, 0);
    throw CannotStart(fmt::format("cannot run {}: {}", command[0], std::strerror(error)),
                      error == ENOENT ? 127 : 126);
  }
  pidfd_ = int(::syscall(SYS_pidfd_open, process_, 0));
}

Launch::~Launch() {
  if (signals_ >= 0) ::close(signals_);
  if (pidfd_ >= 0) ::close(pidfd_);
}

void Launch::forward_signals() const {
  signalfd_siginfo info;
  while (::read(signals_, &info, sizeof info) == ssize_t(sizeof info)) {
    const int signal = int(info.ssi_signo);
    // What the terminal sends (SI_KERNEL), it sends to the program as well.
    if (info.ssi_code != SI_KERNEL) ::kill(process_, signal);
    if (signal == SIGTSTP) ::raise(SIGSTOP);
  }
}

Outcome Launch::wait(const std::function<unsigned()>& tick) {
  std::uint64_t next = milliseconds_now();
  for (;;) {
    const std::uint64_t now = milliseconds_now();
    if (now >= next) next = milliseconds_now() + tick();
    pollfd waited[] = {{pidfd_, POLLIN, 0}, {signals_, POLLIN, 0}};
    const std::uint64_t later = milliseconds_now();
    ::poll(waited, 2, next > later ? int(next - later) : 0);
    forward_signals();
    Outcome outcome;
    int status = 0;
    if (::wait4(process_, &status, WNOHANG, &outcome.usage) != process_) continue;
    outcome.milliseconds = milliseconds_now() - started_;
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return outcome;
  }
}

int end_like(const Outcome& outcome) {
  if (outcome.signal == 0) return outcome.code;
  // No second core dump: the program's is the one that is wanted.
  const rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  std::fflush(nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, outcome.signal);
  ::signal(outcome.signal, SIG_DFL);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(outcome.signal);
  return 128 + outcome.signal;
}

std::string words_of(const Outcome& outcome) {
  if (outcome.signal == 0) return fmt::format("code {}", outcome.code);
  const char* const name = ::sigabbrev_np(outcome.signal);
  return name != nullptr ? fmt::format("signal SIG{}", name)
                         : fmt::format("signal {}", outcome.signal);
}

}  // namespace strata::tool
