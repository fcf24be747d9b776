// The interrupt table, what its entries lead to, the timer, and the serial line.
#include "x86_64.hpp"

using namespace strata;

extern "C" {
extern unsigned char trap_entries[], probe_load[], probe_fault[];
void trap_main(std::uint64_t* frame);
}

namespace kernel {

namespace {

constexpr unsigned page_fault = 14;

struct Gate {
  std::uint16_t low, selector, flags, middle;
  std::uint32_t high, zero;
};
constinit Gate gates[256] = {};

constinit std::uint64_t cpu_numbers[Machine::max_cpus] = {};  // GS leads to its CPU's; set once

void (*on_tick)() noexcept;  // of the first CPU

}  // namespace

void set_up_interrupts() noexcept {
  for (unsigned i = 0; i < 256; ++i) {
    // Entries are 16 bytes apart; everything without its own ends in the last one (the tick's).
    const Address entry = Address(trap_entries) + 16 * (i <= tick_vector ? i : tick_vector);
    gates[i] = {std::uint16_t(entry),       0x08, 0x8e00, std::uint16_t(entry >> 16),
                std::uint32_t(entry >> 32), 0};
  }
  out8(0x21, 0xff);  // the old interrupt controllers are not used
  out8(0xa1, 0xff);
  out8(0x3f9, 0);  // serial line: no interrupts, 115200 8N1, FIFOs
  out8(0x3fb, 0x80);
  out8(0x3f8, 1);
  out8(0x3f9, 0);
  out8(0x3fb, 3);
  out8(0x3fa, 0xc7);
}

void set_up_cpu(unsigned number) noexcept {
  struct [[gnu::packed]] {
    std::uint16_t limit = sizeof(gates) - 1;
    std::uint64_t base = Address(gates);
  } pointer;
  asm volatile("lidt %0" ::"m"(pointer));
  cpu_numbers[number] = number;
  const Address gs = Address(&cpu_numbers[number]);
  asm volatile("wrmsr" ::"c"(0xc0000101u), "a"(unsigned(gs)), "d"(unsigned(gs >> 32)));
  apic(0xf0) = 0x1ff;  // on, spurious interrupts to 255
}

void set_tick(void (*tick)() noexcept) noexcept {
  const Arch::CpuGuard guard;
  on_tick = tick;
  apic(0x3e0) = 0xb;                                                // bus clock / 1
  apic(0x320) = tick != nullptr ? 0x20000 | tick_vector : 0x10000;  // periodic, or masked
  apic(0x380) = tick != nullptr ? 200000 : 0;                       // 200 us at QEMU's 1 GHz
}

void console_put(char one) noexcept {
  if (one == '\n') console_put('\r');
  while ((in8(0x3fd) & 0x20) == 0) cpu_relax();
  out8(0x3f8, static_cast<unsigned char>(one));
}

}  // namespace kernel

void trap_main(std::uint64_t* frame) {
  // 15 saved registers, the vector, the error code, then what the CPU pushed.
  const std::uint64_t vector = frame[15];
  std::uint64_t& instruction = frame[17];
  if (vector == kernel::flush_vector || vector == kernel::tick_vector) {
    if (vector == kernel::flush_vector) {
      kernel::answer_flush();
    } else if (kernel::on_tick != nullptr) {
      kernel::on_tick();
    }
    kernel::apic(0xb0) = 0;
    return;
  }
  if (vector == kernel::page_fault && instruction == Address(probe_load)) {
    instruction = Address(probe_fault);
    return;
  }
  std::uint64_t address;
  asm volatile("movq %%cr2, %0" : "=r"(address));
  kernel::put("\ntrap ");
  kernel::put(vector);
  kernel::put(" at ");
  kernel::put(kernel::Hex{instruction});
  kernel::put(", error ");
  kernel::put(kernel::Hex{frame[16]});
  kernel::put(", cr2 ");
  kernel::put(kernel::Hex{address});
  kernel::panic("unexpected trap");
}
