// A thread made by the system call alone.
//
// pthread_create would allocate, take libc's locks and run its hooks, and may be called here from
// the middle of any of them: malloc is. So the thread is the kernel's only: it shares memory and
// (unless told otherwise) files with the process, has all signals blocked, and zeros where
// thread-local storage would be: enough of them that our own variables are among them.
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "platform/linux/linux_platform.hpp"
#include "platform/linux/raw_syscall.hpp"

namespace strata {
namespace {

constexpr size_t stack_size = 64 * KiB;  // touched: one page
// Below the thread pointer and above; touched: the page of the pointer itself.
constexpr size_t storage_below = 128 * KiB;
constexpr size_t storage_above = 4 * KiB;
constexpr size_t memory_size = stack_size + storage_below + storage_above;

// The memory of the thread of each kind. The child of a fork, where the thread does not exist,
// uses it again.
constinit Address memory_of[2];

// Returns in the caller only; the new thread calls body on its own stack.
long clone_thread(unsigned long flags, Address stack, Address storage,
                  void (*body)() noexcept) noexcept {
#if defined(__x86_64__)
  long result;
  register long r10 asm("r10") = 0;
  register long r8 asm("r8") = long(storage);
  register auto r9 asm("r9") = body;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "call *%%r9\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(0L), "r"(r10), "r"(r8), "r"(r9)
      : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = SYS_clone;
  register long x0 asm("x0") = long(flags);
  register long x1 asm("x1") = long(stack);
  register long x2 asm("x2") = 0;
  register long x3 asm("x3") = long(storage);
  register long x4 asm("x4") = 0;
  register auto x9 asm("x9") = body;
  asm volatile(
      "svc 0\n\t"
      "cbnz x0, 1f\n\t"
      "blr x9\n\t"
      "brk 0\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x9)
      : "memory");
  return x0;
#endif
}

}  // namespace

bool LinuxPlatform::start_worker(void (*body)() noexcept, Descriptors descriptors) noexcept {
#if defined(__SANITIZE_THREAD__)
  return false;  // ThreadSanitizer ends in a thread that was made without its knowledge
#endif
  Address& memory = memory_of[unsigned(descriptors)];
  if (memory == 0) {
    const Address taken = reserve(memory_size, page_size());
    if (taken == 0) return false;
    if (!commit(taken, memory_size)) {
      release(taken, memory_size);
      return false;
    }
    memory = taken;
  }
  // The first field of what a thread pointer points to is its own address.
  const Address storage = memory + stack_size + storage_below;
  *reinterpret_cast<Address*>(storage) = storage;

  constexpr long set_mask = 2;  // SIG_SETMASK
  constexpr long mask_size = 8;
  std::uint64_t all = ~std::uint64_t{0};
  std::uint64_t before = 0;
  raw::call(SYS_rt_sigprocmask, set_mask, long(&all), long(&before), mask_size);
  const unsigned long files = descriptors == Descriptors::shared ? CLONE_FILES : 0;
  const long result = clone_thread(
      CLONE_VM | CLONE_FS | files | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS,
      memory + stack_size, storage, body);
  raw::call(SYS_rt_sigprocmask, set_mask, long(&before), 0, mask_size);
  return !raw::failed(result);
}

void LinuxPlatform::end_worker() noexcept {
  for (;;) raw::call(SYS_exit, 0);
}

LinuxPlatform::WorkerMemory LinuxPlatform::worker_memory(Descriptors descriptors) noexcept {
  return {memory_of[unsigned(descriptors)], memory_size};
}

}  // namespace strata
