// The processors: start of the others by PSCI, thread pointers, the TLB, and the end.
#include "aarch64.hpp"
#include "platform/kernel/thread_area.hpp"

using namespace strata;

extern "C" {
Address ap_stacks[KernelMachine::max_cpus];
extern const unsigned char tls_data[], tls_data_bytes[], tls_bytes[], tls_alignment[];  // link.ld
void ap_main(unsigned number);
}

namespace kernel {

namespace {

constinit Atomic<unsigned> running{1};  // CPUs that run; written by each as it starts
void (*other_main)(unsigned);           // set before they start

// The firmware's number for the CPU `number`: on `virt`, clusters of 8 under the GICv2.
constexpr std::uint64_t cpu_id(unsigned number) noexcept { return number; }

std::uint64_t psci(std::uint64_t function, std::uint64_t one, std::uint64_t two,
                   std::uint64_t three) noexcept {
  register std::uint64_t x0 asm("x0") = function;
  register std::uint64_t x1 asm("x1") = one;
  register std::uint64_t x2 asm("x2") = two;
  register std::uint64_t x3 asm("x3") = three;
  asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
  return x0;
}

// QEMU ends with this status.
[[noreturn]] void leave(std::uint64_t status) noexcept {
  const std::uint64_t block[2] = {0x20026, status};  // "the application ends", and how
  register std::uint64_t x0 asm("x0") = 0x20;
  register const void* x1 asm("x1") = block;
  asm volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
  for (;;) asm volatile("msr daifset, #3\n\twfi");
}

ThreadImage thread_image() noexcept {
  // Sizes are absolute symbols, out of reach of the kernel's own addressing.
  std::uint64_t data, all, alignment;
  asm("ldr %0, =tls_data_bytes" : "=r"(data));
  asm("ldr %0, =tls_bytes" : "=r"(all));
  asm("ldr %0, =tls_alignment" : "=r"(alignment));
  return {tls_data, data, all, alignment};
}

}  // namespace

void finish(bool passed) noexcept { leave(passed ? 33 : 3); }

void panic(const char* why) noexcept {
  put("\nkernel: stopped: ");
  put(why);
  put("\n");
  leave(7);
}

size_t thread_area_size() noexcept { return thread_area_bytes(thread_image()); }

void set_thread_area(void* memory) noexcept {
  asm volatile("msr tpidr_el0, %0" ::"r"(build_thread_area(thread_image(), memory)));
}

void sleep_unless(bool (*ready)()) noexcept {
  // An event that comes between the two is remembered, and wfe returns at once.
  if (!ready()) asm volatile("wfe" ::: "memory");
}

void wake_cpus() noexcept { asm volatile("dsb ish\n\tsev" ::: "memory"); }

unsigned start_cpus(unsigned wanted, Frames& frames, void (*main)(unsigned)) noexcept {
  if (wanted > Machine::max_cpus) wanted = Machine::max_cpus;
  other_main = main;
  constexpr std::uint64_t cpu_on = 0xc4000003;
  constexpr size_t stack_frames = 4;
  for (unsigned i = 1; i < wanted; ++i) {
    const FrameRun stack = frames.allocate({.count = stack_frames});
    if (!stack.first) panic("no frames for the stacks of other CPUs");
    ap_stacks[i] = Address(Machine::direct(stack.first)) + stack_frames * frame_size;
    asm volatile("dsb sy" ::: "memory");
    if (psci(cpu_on, cpu_id(i), boot_addresses.ap_start, i) != 0) return i;
    while (running.load(Order::acquire) != i + 1) cpu_relax();
  }
  return wanted;
}

// Milliseconds of the architecture's own counter.
std::uint64_t Arch::now() noexcept {
  std::uint64_t count, frequency;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
  return count / (frequency / 1000);
}

Frame Arch::root() noexcept { return Frame::at(boot_addresses.root); }

void Arch::flush(Address address, size_t pages) noexcept {
  asm volatile("dsb ishst" ::: "memory");  // what unmap() wrote is seen before
  if (pages > 64) {
    asm volatile("tlbi vmalle1is");
  } else {
    for (size_t i = 0; i < pages; ++i) {
      asm volatile("tlbi vaae1is, %0" ::"r"((address + i * frame_size) >> 12 & 0xfffffffffff));
    }
  }
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

}  // namespace kernel

void ap_main(unsigned number) {
  kernel::set_up_cpu(number);
  kernel::running.fetch_add(1, Order::acq_rel);
  kernel::other_main(number);
}
