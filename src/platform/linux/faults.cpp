// Looks at accesses that fault before whoever looked at them so far. Part of LinuxPlatform.
//
// One handler of SIGSEGV, which tells its watchers and then does what would have been done without
// it. It is not removed again: a program that has set its own since may have kept ours to call.
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#include "base/atomic.hpp"
#include "platform/linux/linux_platform.hpp"

namespace strata {
namespace {

using Look = void (*)(const LinuxPlatform::Fault& fault) noexcept;

constexpr unsigned most_watchers = 2;
constinit Atomic<Look> watchers[most_watchers];
constinit Atomic<unsigned> installed;  // 0: no, 1: being installed, 2: yes
struct sigaction before;               // written before `installed` becomes 2

bool is_write([[maybe_unused]] const ucontext_t& context) noexcept {
#if defined(__x86_64__)
  constexpr unsigned long long write = 2;  // of the page fault's error code
  return (static_cast<unsigned long long>(context.uc_mcontext.gregs[REG_ERR]) & write) != 0;
#else
  return false;
#endif
}

void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, context);
  const bool sent = info->si_code <= 0;  // by a process, not by an access
  if (before.sa_handler == SIG_IGN && sent) return;
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    return before.sa_handler(signal);
  }
  // The access is made again when we return, and ends the program where it stands.
  struct sigaction end = {};
  end.sa_handler = SIG_DFL;
  sigaction(signal, &end, nullptr);
  if (sent) raise(signal);
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  const int saved = errno;
  if (info->si_code > 0) {
    const LinuxPlatform::Fault fault = {Address(info->si_addr),
                                        is_write(*static_cast<ucontext_t*>(context)), context};
    for (const Atomic<Look>& watcher : watchers) {
      if (const Look look = watcher.load(Order::acquire); look != nullptr) look(fault);
    }
  }
  errno = saved;
  pass_on(signal, info, context);
}

constinit Atomic<void (*)() noexcept> signal_told;
void on_signal(int) noexcept {
  if (const auto told = signal_told.load(Order::acquire); told != nullptr) told();
}

}  // namespace

bool LinuxPlatform::watch_signal(void (*told)() noexcept) noexcept {
  struct sigaction now = {};
  if (sigaction(SIGUSR2, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return false;
  signal_told.store(told, Order::release);
  now.sa_handler = on_signal;
  now.sa_flags = SA_RESTART | SA_ONSTACK;
  return sigaction(SIGUSR2, &now, nullptr) == 0;
}

bool LinuxPlatform::watch_faults(Look look) noexcept {
  unsigned place = 0;
  for (; place < most_watchers; ++place) {
    Look expected = nullptr;
    if (watchers[place].compare_exchange(expected, look, Order::acq_rel) || expected == look) break;
  }
  if (place == most_watchers) return false;
  unsigned expected = 0;
  if (!installed.compare_exchange(expected, 1, Order::acq_rel)) return true;
  if (sigaction(SIGSEGV, nullptr, &before) != 0) return false;
  struct sigaction ours = {};
  ours.sa_sigaction = on_fault;
  // What the program's own handler counts on stays: its stack, and which signals wait.
  ours.sa_mask = before.sa_mask;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (before.sa_flags & (SA_NODEFER | SA_RESTART));
  installed.store(2, Order::release);
  return sigaction(SIGSEGV, &ours, nullptr) == 0;
}

}  // namespace strata
