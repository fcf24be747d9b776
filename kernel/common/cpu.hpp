// What the kernel asks of an architecture besides the port itself: the console, the other CPUs, a
// fault that may be taken, ticks, and an end.
//
// An architecture's boot code ends in kernel_main (boot.hpp), with this CPU set up.
#pragma once

#include "kernel_machine.hpp"

namespace kernel {

void console_put(char one) noexcept;
// Ends the machine: QEMU's exit status says whether all proofs held.
[[noreturn]] void finish(bool passed) noexcept;
[[noreturn]] void panic(const char* why) noexcept;

// Starts the other CPUs; each calls `main(number)` for ever after. Returns how many run in all.
unsigned start_cpus(unsigned wanted, Frames& frames, void (*main)(unsigned)) noexcept;
// Waits until something happens, unless ready() says that there is work: both in one step.
void sleep_unless(bool (*ready)()) noexcept;
// All CPUs that sleep look for work.
void wake_cpus() noexcept;

// Makes this CPU's thread pointer lead to an area built at `memory`.
void set_thread_area(void* memory) noexcept;
size_t thread_area_size() noexcept;

// From now on a timer interrupts this CPU again and again, and tick() is called in its handler;
// nullptr: no more.
void set_tick(void (*tick)() noexcept) noexcept;

}  // namespace kernel

extern "C" {
// Reads one byte; false when that faults.
bool probe(const void* address);
}
