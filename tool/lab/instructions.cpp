// Counting instructions: the processor's trap flag gives a signal after each one between two marks.
#include "lab/instructions.hpp"

#include <signal.h>
#include <ucontext.h>

#include <algorithm>

namespace strata::lab {
namespace {

#if defined(__x86_64__)

// What the handler counts in; it runs on the thread that passes the marks.
struct Counting {
  std::vector<std::uint64_t>
      counts;  // long enough before the first mark: a handler must not grow it
  std::size_t pairs = 0;
  std::uint64_t steps_left = 0;
  std::uint64_t count = 0;
  bool between = false;
};
Counting* counting = nullptr;

// A mark comes as SI_KERNEL, a step as TRAP_TRACE. The flag that is set or cleared in the context is
// the interrupted code's, from its next instruction on.
void at_trap(int, siginfo_t* info, void* context) {
  constexpr greg_t trap_flag = 0x100;
  greg_t& flags = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
  Counting& c = *counting;
  if (info->si_code != SI_KERNEL) {
    ++c.count;
    if (--c.steps_left == 0) flags &= ~trap_flag;  // enough: the pair is left open
    return;
  }
  if (c.between) {
    if (c.steps_left != 0) c.counts[c.pairs++] = c.count;
    flags &= ~trap_flag;
  } else if (c.steps_left != 0 && c.pairs < c.counts.size()) {
    c.count = 0;
    flags |= trap_flag;
  }
  c.between = !c.between;
}

#endif

}  // namespace

std::vector<std::uint64_t> count_instructions(const std::function<void()>& work,
                                              std::uint64_t most_steps) {
#if defined(__x86_64__)
  Counting state;
  state.counts.resize(most_pairs);
  state.steps_left = most_steps;
  struct sigaction handle {};
  struct sigaction before {};
  handle.sa_sigaction = at_trap;
  handle.sa_flags = SA_SIGINFO;
  sigemptyset(&handle.sa_mask);
  if (sigaction(SIGTRAP, &handle, &before) != 0) return {};
  counting = &state;
  work();
  counting = nullptr;
  sigaction(SIGTRAP, &before, nullptr);
  state.counts.resize(state.pairs);
  // An emulator that has no trap flag steps over nothing.
  const auto none = [](std::uint64_t count) { return count == 0; };
  if (std::all_of(state.counts.begin(), state.counts.end(), none)) return {};
  return state.counts;
#else
  (void)work, (void)most_steps;
  return {};
#endif
}

}  // namespace strata::lab
