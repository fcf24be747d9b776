// Counts the instructions of one call, exactly, from inside the process. x86-64 Linux only.
//
// Idea. The processor's trap flag is set just before the call; from then on it raises SIGTRAP after
// every instruction. The handler sees the address of the instruction that comes next, counts it,
// and clears the flag when that is the caller's again. No tracer is needed, so no context switch
// either, and it works where ptrace is forbidden.
//
//      pushf, set the flag, popf
//      call *function     trap: the callee's first instruction comes next: count it
//      ...                trap: count the next one, the callee's ret included
//      (return address)   trap: that is us; the flag goes
//
// Atomic read-modify-writes are recognised by decoding what comes next: a lock prefix, or xchg with
// memory. A repeated string instruction (rep movs, rep stos) counts once.
//
// Not counted: what the kernel does. A call of more than 4 million instructions is given up
// (restartable sequences restart for ever when they are stepped).
// Cost: 1 to 25 microseconds an instruction (a virtual machine may pass each trap to its host).
// Only one thread may count at a time.
#pragma once

#include <cstdint>

namespace hot_path {

struct StepCount {
  unsigned long instructions;
  unsigned long atomics;
  bool complete;  // false: given up
};

// Installs the handler. Once, before the first count.
void prepare_to_count();

// Calls function(first, second); what it returned, and what it took.
void* counted_call(void* function, std::uintptr_t first, std::uintptr_t second, StepCount& count);

}  // namespace hot_path
