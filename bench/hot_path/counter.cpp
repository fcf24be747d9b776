// counter LIBRARY|- PROBE counts the instructions of allocator calls, exactly.
//
// Idea. The probe runs under ptrace with the library preloaded. Between its breakpoints (probe.hpp)
// every instruction of the call is single-stepped and counted; atomic read-modify-writes are
// recognised by decoding what stands at the program counter: a lock prefix, or xchg with memory.
// Unlike cycles, these counts do not depend on what else the machine does.
//
// A repeated string instruction counts as one: stepping would stop at each of its repeats (100,000
// of them where 100,000 bytes are cleared), so it is passed over with a breakpoint behind it.
//
// Prints "name<TAB>size<TAB>calls<TAB>median<TAB>mean<TAB>atomics per call" per measurement. A call
// of more than 4 million steps is given up (restartable sequences restart for ever when stepped).
// Exit code 77 when the system forbids ptrace.
//
// Not here: what counts are good; hot_path.py compares. x86-64 Linux only.
// Cost: about 3 microseconds an instruction.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "probe.hpp"

namespace {

constexpr int skipped = 77;
constexpr unsigned long most_steps = 4'000'000;

struct Counts {
  std::vector<unsigned long> steps;
  unsigned long atomics = 0;
};

// lock-prefixed instructions, and xchg with a memory operand, which locks without the prefix.
bool is_atomic(const unsigned char* code) {
  bool locked = false;
  for (;; ++code) {
    if (*code == 0xf0) {
      locked = true;
    } else if (*code != 0x66 && *code != 0x67 && *code != 0x64 && *code != 0x65 && *code != 0x2e &&
               *code != 0x36 && *code != 0x3e && *code != 0x26 && *code != 0xf2 && *code != 0xf3) {
      break;
    }
  }
  if (locked) return true;
  if (*code >= 0x40 && *code <= 0x4f) ++code;  // REX
  return (*code == 0x86 || *code == 0x87) && (code[1] >> 6) != 3;
}

// Length of a repeated string instruction (rep movs, stos, cmps, scas), or 0 when it is none.
unsigned repeated_length(const unsigned char* code) {
  if (code[0] != 0xf3 && code[0] != 0xf2) return 0;
  const unsigned rex = code[1] >= 0x40 && code[1] <= 0x4f ? 1 : 0;
  const unsigned char opcode = code[1 + rex];
  const bool is_string = (opcode >= 0xa4 && opcode <= 0xa7) || opcode == 0xaa || opcode == 0xab ||
                         opcode == 0xae || opcode == 0xaf;
  return is_string ? 2 + rex : 0;
}

class Tracee {
 public:
  explicit Tracee(pid_t process) : process_(process) {}

  // Waits for the next stop; the signal that stopped it, or -1 when it has ended.
  int wait() {
    if (waitpid(process_, &status_, __WALL) < 0 || !WIFSTOPPED(status_)) return -1;
    return WSTOPSIG(status_);
  }
  void go_on(int signal) { ptrace(PTRACE_CONT, process_, nullptr, reinterpret_cast<void*>(long(signal))); }
  void step() { ptrace(PTRACE_SINGLESTEP, process_, nullptr, nullptr); }
  user_regs_struct registers() {
    user_regs_struct registers = {};
    ptrace(PTRACE_GETREGS, process_, nullptr, &registers);
    return registers;
  }
  std::uint64_t program_counter() {
    return std::uint64_t(ptrace(PTRACE_PEEKUSER, process_,
                                reinterpret_cast<void*>(offsetof(user_regs_struct, rip)), nullptr));
  }
  struct Code {
    bool atomic;
    unsigned repeated;  // length, of a repeated string instruction
  };
  // Remembered per address: the probed code does not change.
  Code code_at(std::uint64_t address) {
    const auto known = code_.find(address);
    if (known != code_.end()) return known->second;
    unsigned char bytes[16] = {};
    iovec here = {bytes, sizeof bytes};
    iovec there = {reinterpret_cast<void*>(address), sizeof bytes};
    process_vm_readv(process_, &here, 1, &there, 1, 0);
    return code_[address] = {is_atomic(bytes), repeated_length(bytes)};
  }
  // Executes up to `address` and not what stands there. False when something else stopped it.
  bool run_to(std::uint64_t address) {
    void* const at = reinterpret_cast<void*>(address);
    const long there = ptrace(PTRACE_PEEKTEXT, process_, at, nullptr);
    ptrace(PTRACE_POKETEXT, process_, at, reinterpret_cast<void*>((there & ~0xffL) | 0xcc));
    go_on(0);
    const bool stopped = wait() == SIGTRAP;
    ptrace(PTRACE_POKETEXT, process_, at, reinterpret_cast<void*>(there));
    user_regs_struct now = registers();
    if (!stopped || now.rip != address + 1) return false;
    now.rip = address;
    ptrace(PTRACE_SETREGS, process_, nullptr, &now);
    return true;
  }
  int status() const { return status_; }
  void kill() { ::kill(process_, SIGKILL); }

 private:
  pid_t process_;
  int status_ = 0;
  std::unordered_map<std::uint64_t, Code> code_;
};

// Steps through one probed call. False when the tracee ended or never came back.
bool count_call(Tracee& tracee, Counts* counts) {
  const user_regs_struct before = tracee.registers();
  if (before.rbx >= hot_path::measurements) return false;
  Counts& mine = counts[before.rbx];
  const std::uint64_t back = before.rip + 2;  // call *%rax is two bytes
  unsigned long steps = 0;
  tracee.step();  // the call itself
  if (tracee.wait() != SIGTRAP) return false;
  for (std::uint64_t at = tracee.program_counter(); at != back; at = tracee.program_counter()) {
    const Tracee::Code code = tracee.code_at(at);
    if (code.atomic) ++mine.atomics;
    if (++steps > most_steps) {
      fprintf(stderr, "counter: a call does not end (measurement %llu)\n", before.rbx);
      return false;
    }
    if (code.repeated != 0) {
      if (!tracee.run_to(at + code.repeated)) return false;
      continue;
    }
    tracee.step();
    if (tracee.wait() != SIGTRAP) return false;
  }
  mine.steps.push_back(steps);
  // The second breakpoint.
  tracee.go_on(0);
  return tracee.wait() == SIGTRAP;
}

void print(const Counts* counts) {
  for (unsigned operation = 0; operation < hot_path::operations; ++operation) {
    for (unsigned size = 0; size < hot_path::size_count; ++size) {
      const Counts& mine = counts[hot_path::measurement(operation, size)];
      if (mine.steps.empty()) continue;
      std::vector<unsigned long> sorted = mine.steps;
      std::sort(sorted.begin(), sorted.end());
      double sum = 0;
      for (const unsigned long steps : sorted) sum += double(steps);
      const double calls = double(sorted.size());
      printf("%s\t%zu\t%zu\t%lu\t%.2f\t%.4f\n", hot_path::operation_names[operation],
             hot_path::sizes[size], sorted.size(), sorted[sorted.size() / 2], sum / calls,
             double(mine.atomics) / calls);
    }
  }
}

int start_probe(const char* library, const char* probe) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(skipped);
  if (strcmp(library, "-") != 0) setenv("LD_PRELOAD", library, 1);
  setenv("LD_BIND_NOW", "1", 1);
  execl(probe, probe, static_cast<char*>(nullptr));
  perror(probe);
  _exit(127);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: counter LIBRARY|- PROBE\n");
    return 2;
  }
  const pid_t process = fork();
  if (process == 0) return start_probe(arguments[1], arguments[2]);
  Tracee tracee(process);
  static Counts counts[hot_path::measurements];
  int signal = tracee.wait();  // at exec
  if (signal < 0) {
    const int code = WIFEXITED(tracee.status()) ? WEXITSTATUS(tracee.status()) : 1;
    if (code == skipped) fprintf(stderr, "counter: ptrace is forbidden here\n");
    return code == 0 ? 1 : code;
  }
  ptrace(PTRACE_SETOPTIONS, process, nullptr, reinterpret_cast<void*>(long(PTRACE_O_EXITKILL)));
  bool whole = true;
  tracee.go_on(0);
  while ((signal = tracee.wait()) >= 0) {
    if (signal != SIGTRAP) {
      tracee.go_on(signal);
      continue;
    }
    if (!count_call(tracee, counts)) {
      whole = false;
      tracee.kill();
      break;
    }
    tracee.go_on(0);
  }
  print(counts);
  if (whole && !(WIFEXITED(tracee.status()) && WEXITSTATUS(tracee.status()) == 0)) {
    fprintf(stderr, "counter: the probe did not end well (status %#x)\n", unsigned(tracee.status()));
    return 1;
  }
  return whole ? 0 : 1;
}
