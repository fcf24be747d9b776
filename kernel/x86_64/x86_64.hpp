// What the files of this architecture tell each other.
#pragma once

#include "boot.hpp"
#include "cpu.hpp"

namespace kernel {

// Interrupt table and serial line, once.
void set_up_interrupts() noexcept;
// This CPU's own word, interrupt table and local APIC.
void set_up_cpu(unsigned number) noexcept;

constexpr unsigned flush_vector = 64;
constexpr unsigned tick_vector = 65;

// Registers of this CPU's local APIC.
inline volatile std::uint32_t& apic(unsigned offset) noexcept {
  return *reinterpret_cast<volatile std::uint32_t*>(Machine::direct_base + 0xfee00000 + offset);
}
// Interrupts all other CPUs.
inline void send_to_others(std::uint32_t command) noexcept {
  apic(0x310) = 0;
  apic(0x300) = 0xc0000 | command;
  while ((apic(0x300) & 0x1000) != 0) strata::cpu_relax();
}

inline void out8(unsigned port, unsigned char value) noexcept {
  asm volatile("outb %0, %1" ::"a"(value), "Nd"(std::uint16_t(port)));
}
inline unsigned char in8(unsigned port) noexcept {
  unsigned char value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(std::uint16_t(port)));
  return value;
}

}  // namespace kernel

extern "C" {
// Physical addresses of what boot.S keeps below the kernel.
extern const struct { std::uint64_t root, ap_start, ap_start_end, ap_limit; } boot_addresses;
}
