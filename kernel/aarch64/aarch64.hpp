// What the files of this architecture tell each other.
#pragma once

#include "boot.hpp"
#include "cpu.hpp"

namespace kernel {

// Vectors, the CPU's number and its part of the interrupt controller; interrupts are on afterwards.
void set_up_cpu(unsigned number) noexcept;
// A register of a device in the first GiB.
inline volatile std::uint32_t& device(std::uint64_t physical) noexcept {
  return *reinterpret_cast<volatile std::uint32_t*>(Machine::direct_base + physical);
}

}  // namespace kernel

extern "C" {
// Physical addresses of what boot.S keeps below the kernel.
extern const struct { std::uint64_t root, ap_start; } boot_addresses;
}
