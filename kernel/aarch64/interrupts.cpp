// Exceptions, the interrupt controller (GICv2 of `virt`), its timer, and the serial line.
#include "aarch64.hpp"

using namespace strata;

extern "C" {
extern unsigned char vectors[], probe_load[], probe_fault[];
void trap_main(std::uint64_t* frame, unsigned kind);
}

namespace kernel {

namespace {

constexpr std::uint64_t distributor = 0x08000000;
constexpr std::uint64_t cpu_interface = 0x08010000;
constexpr std::uint64_t serial = 0x09000000;
constexpr unsigned timer_interrupt = 27;  // the virtual timer's, each CPU's own

void (*on_tick)() noexcept;  // of the first CPU

void set_timer(bool on) noexcept {
  std::uint64_t frequency;
  asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
  asm volatile("msr cntv_tval_el0, %0" ::"r"(frequency / 5000));  // 200 us
  asm volatile("msr cntv_ctl_el0, %0\n\tisb" ::"r"(std::uint64_t{on}));
}

void answer_interrupt() noexcept {
  const std::uint32_t number = device(cpu_interface + 0x0c);
  if ((number & 1023) == timer_interrupt) {
    set_timer(on_tick != nullptr);
    if (on_tick != nullptr) on_tick();
  }
  device(cpu_interface + 0x10) = number;
}

}  // namespace

void set_up_cpu(unsigned number) noexcept {
  asm volatile("msr vbar_el1, %0\n\tmsr tpidr_el1, %1\n\tisb" ::"r"(vectors),
               "r"(std::uint64_t{number}));
  std::uint64_t control;  // the identity map has served: null and its neighbours fault from here on
  asm volatile("mrs %0, tcr_el1" : "=r"(control));
  asm volatile("msr tcr_el1, %0\n\tisb\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" ::"r"(control | 0x80));
  set_timer(false);
  device(distributor) = 1;
  device(distributor + 0x100) = 1u << timer_interrupt;
  device(cpu_interface + 4) = 0xff;  // every priority
  device(cpu_interface) = 1;
  asm volatile("msr daifclr, #3" ::: "memory");
}

void set_tick(void (*tick)() noexcept) noexcept {
  const Arch::CpuGuard guard;
  on_tick = tick;
  set_timer(tick != nullptr);
}

void console_put(char one) noexcept {
  if (one == '\n') console_put('\r');
  while ((device(serial + 0x18) & 0x20) != 0) cpu_relax();
  device(serial) = static_cast<unsigned char>(one);
}

}  // namespace kernel

// frame: x0 to x30, where it happened, the state there. kind: 5 is an interrupt, 4 a fault in the
// kernel, the others do not happen here.
void trap_main(std::uint64_t* frame, unsigned kind) {
  std::uint64_t& instruction = frame[31];
  if (kind == 5) return kernel::answer_interrupt();
  if (kind == 4 && instruction == Address(probe_load)) {
    instruction = Address(probe_fault);
    return;
  }
  std::uint64_t syndrome, address;
  asm volatile("mrs %0, esr_el1" : "=r"(syndrome));
  asm volatile("mrs %0, far_el1" : "=r"(address));
  kernel::put("\nexception ");
  kernel::put(kind);
  kernel::put(" at ");
  kernel::put(kernel::Hex{instruction});
  kernel::put(", syndrome ");
  kernel::put(kernel::Hex{syndrome});
  kernel::put(", address ");
  kernel::put(kernel::Hex{address});
  kernel::panic("unexpected exception");
}
