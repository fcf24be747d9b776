// Sets the trap flag around a call and counts in the handler; see step_counter.hpp.
#include "step_counter.hpp"

#include <signal.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>

extern "C" void* call_with_trap_flag(void* function, std::uintptr_t first, std::uintptr_t second);
extern "C" const char after_counted_call[];
// The stack is aligned at the call as the calling convention wants it.
asm(R"(
.text
.globl call_with_trap_flag
.type call_with_trap_flag, @function
call_with_trap_flag:
  sub $8, %rsp
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  pushfq
  orq $0x100, (%rsp)
  popfq
  call *%rax
.globl after_counted_call
after_counted_call:
  nop
  add $8, %rsp
  ret
.size call_with_trap_flag, . - call_with_trap_flag
)");

namespace hot_path {
namespace {

constexpr unsigned long most_instructions = 4'000'000;
constexpr std::uint64_t trap_flag = 0x100;

StepCount* counting = nullptr;
std::uint64_t last_address = 0;

bool is_prefix(unsigned char byte) {
  switch (byte) {
    case 0x66:
    case 0x67:
    case 0x64:
    case 0x65:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x26:
    case 0xf2:
    case 0xf3:
      return true;
    default:
      return false;
  }
}

// lock-prefixed instructions, and xchg with a memory operand, which locks without the prefix.
bool is_atomic(const unsigned char* code) {
  while (is_prefix(*code)) ++code;
  if (*code == 0xf0) return true;
  if (*code >= 0x40 && *code <= 0x4f) ++code;  // REX
  return (*code == 0x86 || *code == 0x87) && (code[1] >> 6) != 3;
}

// A repeated string instruction (rep movs, rep stos) would trap at each of its repeats: a hundred
// thousand times where as many bytes are cleared. All repeats but the last are done here instead.
// True when the instruction was met before and is only being repeated.
bool shorten_repeat(greg_t* registers, const unsigned char* code) {
  if (code[0] != 0xf3 && code[0] != 0xf2) return false;
  const unsigned rex = code[1] >= 0x40 && code[1] <= 0x4f ? code[1] : 0;
  const unsigned char opcode = code[rex != 0 ? 2 : 1];
  const bool moves = opcode == 0xa4 || opcode == 0xa5;
  const bool stores = opcode == 0xaa || opcode == 0xab;
  if (!moves && !stores) return false;
  if (std::uint64_t(registers[REG_RIP]) == last_address) return true;
  if (registers[REG_RCX] <= 1) return false;
  const std::size_t width = (opcode & 1) == 0 ? 1 : (rex & 8) != 0 ? 8 : 4;
  const std::size_t bytes = (std::size_t(registers[REG_RCX]) - 1) * width;
  auto* const to = reinterpret_cast<volatile unsigned char*>(registers[REG_RDI]);
  const auto* const from = reinterpret_cast<const volatile unsigned char*>(registers[REG_RSI]);
  for (std::size_t i = 0; i < bytes; ++i) {
    to[i] = moves ? from[i] : static_cast<unsigned char>(registers[REG_RAX] >> i % width * 8);
  }
  registers[REG_RDI] += greg_t(bytes);
  if (moves) registers[REG_RSI] += greg_t(bytes);
  registers[REG_RCX] = 1;
  return false;
}

void on_trap(int, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto address = std::uint64_t(registers[REG_RIP]);
  if (address == reinterpret_cast<std::uint64_t>(after_counted_call)) {
    registers[REG_EFL] &= ~std::int64_t(trap_flag);
    return;
  }
  const auto* const code = reinterpret_cast<const unsigned char*>(address);
  if (shorten_repeat(registers, code)) return;
  last_address = address;
  ++counting->instructions;
  if (is_atomic(code)) ++counting->atomics;
  if (counting->instructions > most_instructions) {
    counting->complete = false;
    registers[REG_EFL] &= ~std::int64_t(trap_flag);
  }
}

}  // namespace

void prepare_to_count() {
  struct sigaction action = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGTRAP, &action, nullptr) != 0) {
    perror("probe: sigaction");
    exit(1);
  }
}

void* counted_call(void* function, std::uintptr_t first, std::uintptr_t second, StepCount& count) {
  count = {0, 0, true};
  counting = &count;
  last_address = 0;
  return call_with_trap_flag(function, first, second);
}

}  // namespace hot_path
