// Counting instructions: the parent steps the child from mark to mark.
#include "lab/instructions.hpp"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::lab {
namespace {

// Lets the child go on, by one instruction or up to the next mark; false when it is gone.
bool go(pid_t child, bool one_step, bool& at_mark) {
  for (int pass_on = 0;;) {
    if (ptrace(one_step ? PTRACE_SINGLESTEP : PTRACE_CONT, child, nullptr, pass_on) != 0)
      return false;
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return false;
    if (WSTOPSIG(status) != SIGTRAP) {
      pass_on = WSTOPSIG(status);
      continue;
    }
    siginfo_t info{};
    if (ptrace(PTRACE_GETSIGINFO, child, nullptr, &info) != 0) return false;
    at_mark = info.si_code == SI_KERNEL;
    return true;
  }
}

}  // namespace

std::vector<std::uint64_t> count_instructions(const std::function<void()>& work,
                                              std::uint64_t most_steps) {
  std::vector<std::uint64_t> counts;
#if defined(__x86_64__)
  const pid_t child = fork();
  if (child < 0) return counts;
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
    raise(SIGSTOP);
    work();
    _exit(0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return counts;
  std::uint64_t steps = 0;
  bool at_mark = false;
  while (steps < most_steps && go(child, false, at_mark) && at_mark) {
    std::uint64_t count = 0;
    at_mark = false;
    while (go(child, true, at_mark) && !at_mark) {
      ++count;
      ++steps;
    }
    // The closing mark's own step ends the loop, so `count` is what lies between.
    if (at_mark) counts.push_back(count);
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
#else
  (void)work, (void)most_steps;
#endif
  return counts;
}

}  // namespace strata::lab
