// Walks the calling thread's stack. Part of LinuxPlatform.
//
// By the tables of the modules (frame_rules.hpp) where there are some, so that programs built
// without frame pointers are walked too; by the chain of frame pointers where there are none, which
// is code made at run time. Rules are remembered in a table that all threads share without a lock.
//
// Nothing is checked by asking the kernel. The tables of compiled code are right, but a remembered
// rule may be of a module that is gone; a frame pointer may be anything. So both are believed only
// inside the stack the thread was given, and on stacks of the program's own making, whose end is
// not known, the tables are read anew for each frame. A walk ends where something does not fit. It
// allocates nothing, takes no lock, and keeps errno. Cost: about 30 instructions a frame whose rule
// is remembered, 600 otherwise.
#include <dlfcn.h>
#include <link.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include "base/atomic.hpp"
#include "base/attributes.hpp"
#include "platform/linux/frame_rules.hpp"
#include "platform/linux/linux_platform.hpp"

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 35)
#define STRATA_FINDS_MODULES
#pragma weak _dl_find_object  // where the program runs the C library may be older
#endif
#endif

namespace strata {
namespace {

using unwind::Rule;

struct Registers {
  Address pc;
  Address sp;
  Address fp;
};

// A module's code, and the header of its tables; 0: it has none.
struct Module {
  Address begin = 0;
  Address end = 0;
  Address tables = 0;
};

Module module_of(Address pc) noexcept {
#if defined(STRATA_FINDS_MODULES)
  dl_find_object found;
  if (_dl_find_object != nullptr && _dl_find_object(reinterpret_cast<void*>(pc), &found) == 0) {
    return {Address(found.dlfo_map_start), Address(found.dlfo_map_end),
            Address(found.dlfo_eh_frame)};
  }
#endif
  return {};
}

// The library's own code, whose frames nobody wants to see; empty where it is part of the program.
// Written by each thread that finds it empty, with the same numbers: the end last.
constinit Atomic<Address> own_begin;
constinit Atomic<Address> own_end;

bool is_own(Address pc) noexcept {
  if (STRATA_UNLIKELY(own_end.load(Order::acquire) == 0)) {
    Module own = module_of(Address(&is_own));
    const Address program = getauxval(AT_PHDR);
    if (program - own.begin < own.end - own.begin || own.end == 0) own = {0, 1, 0};
    own_begin.store(own.begin, Order::relaxed);
    own_end.store(own.end, Order::release);
  }
  const Address begin = own_begin.load(Order::relaxed);
  return pc - begin < own_end.load(Order::relaxed) - begin;
}

Rule read_rule(Address pc) noexcept {
  const Module module = module_of(pc);
  return module.tables != 0 ? unwind::rule_for(pc, module.tables) : Rule{};
}

// Rules by program counter. An entry is two words, written one by one by whoever comes first or
// last: the key is mixed with the value, so that halves of two different entries fit no key.
class RuleTable {
 public:
  Rule find(Address pc) noexcept {
    Entry& entry = entries_[(pc ^ pc >> 12) % size];
    const std::uint64_t value = entry.value.load(Order::relaxed);
    if (STRATA_LIKELY((entry.key.load(Order::relaxed) ^ value) == pc)) {
      return __builtin_bit_cast(Rule, value);
    }
    const Rule rule = read_rule(pc);
    const auto made = __builtin_bit_cast(std::uint64_t, rule);
    entry.value.store(made, Order::relaxed);
    entry.key.store(pc ^ made, Order::relaxed);
    return rule;
  }

 private:
  static constexpr size_t size = 4096;
  struct Entry {
    Atomic<std::uint64_t> key;
    Atomic<std::uint64_t> value;
  };
  Entry entries_[size];
};
constinit RuleTable rule_table;

Address word_at(Address address) noexcept { return *reinterpret_cast<const Address*>(address); }

// Where the stack ends at the latest: where the thread's own data begin, or the process's
// arguments. 0: the stack is of the program's own making.
Address known_end_of_stack(Address sp) noexcept {
  constexpr size_t most = 64 * MiB;
  const Address thread = LinuxPlatform::current_thread();
  if (thread - sp < most) return thread;
  const Address arguments = getauxval(AT_RANDOM);
  return arguments - sp < most ? arguments : 0;
}

// False: the walk ends here.
bool step_by_pointer(Registers& at, Address end) noexcept {
  constexpr size_t largest = 1 * MiB;
  if (at.fp == 0 || at.fp % sizeof(Address) != 0 || at.fp - at.sp >= largest || at.fp + 16 > end) {
    return false;
  }
  const Address frame = at.fp;
  at.fp = word_at(frame);
  at.pc = word_at(frame + sizeof(Address));
  at.sp = frame + 2 * sizeof(Address);
  return true;
}

// Whether a word may be read at this address of the stack.
bool is_above(Address address, Address sp, Address end) noexcept {
  constexpr size_t largest_frame = 64 * MiB;
  if (address % sizeof(Address) != 0 || address - sp >= largest_frame) return false;
  return end == 0 || address < end;
}

bool step_by_rule(Registers& at, const Rule& rule, Address end) noexcept {
  if (rule.frame != Rule::Frame::by_sp && at.fp == 0) return false;
  Address frame = (rule.frame == Rule::Frame::by_sp ? at.sp : at.fp) + Address(rule.offset);
  if (rule.frame == Rule::Frame::at_fp) {
    if (!is_above(frame, at.sp, end)) return false;
    frame = word_at(frame);
  }
  // A caller's frame lies above: that ends every loop.
  if (!is_above(frame - sizeof(Address), at.sp, end)) return false;
  const Address saved = rule.pointer == Rule::Pointer::by_cfa
                            ? frame + Address(std::intptr_t{rule.pointer_offset})
                            : at.fp + Address(std::intptr_t{rule.pointer_offset});
  switch (rule.pointer) {
    case Rule::Pointer::same:
      break;
    case Rule::Pointer::by_cfa:
    case Rule::Pointer::by_fp:
      at.fp = is_above(saved, at.sp, end) ? word_at(saved) : 0;
      break;
    case Rule::Pointer::lost:
      at.fp = 0;
      break;
  }
  at.pc = word_at(frame - sizeof(Address));
  at.sp = frame;
  return true;
}

STRATA_INLINE Registers registers_here() noexcept {
  Registers here;
#if defined(__x86_64__)
  asm volatile("lea (%%rip), %0; mov %%rsp, %1; mov %%rbp, %2"
               : "=&r"(here.pc), "=&r"(here.sp), "=&r"(here.fp));
#else
  here.fp = Address(__builtin_frame_address(0));
  here.sp = here.fp;
  here.pc = 0;
#endif
  return here;
}

// `called`: at.pc is where a call returns to, and the call stands before it.
unsigned walk(Registers at, bool called, Address* frames, unsigned most) noexcept {
  constexpr Address lowest_code = 4 * KiB;
  const Address end = known_end_of_stack(at.sp);
  unsigned count = 0;
  while (count < most) {
    const Address pc = at.pc - (called ? 1 : 0);
    if (called && !is_own(pc)) frames[count++] = at.pc;
#if defined(__x86_64__)
    const Rule rule = end != 0 ? rule_table.find(pc) : read_rule(pc);
    if (rule.frame == Rule::Frame::outermost) break;
    const bool gone =
        rule.frame == Rule::Frame::unknown ? step_by_pointer(at, end) : step_by_rule(at, rule, end);
#else
    const bool gone = step_by_pointer(at, end);
#endif
    if (!gone || at.pc < lowest_code) break;
    called = true;
  }
  return count;
}

}  // namespace

bool LinuxPlatform::is_own_code(Address address) noexcept { return is_own(address); }

STRATA_NOINLINE unsigned LinuxPlatform::walk_stack(Address* frames, unsigned most) noexcept {
  return walk(registers_here(), false, frames, most);
}

STRATA_NOINLINE unsigned LinuxPlatform::walk_fault(const Fault& fault, Address* frames,
                                                   unsigned most) noexcept {
  const auto& machine = static_cast<const ucontext_t*>(fault.context)->uc_mcontext;
  Registers at;
#if defined(__x86_64__)
  at.pc = Address(machine.gregs[REG_RIP]);
  at.sp = Address(machine.gregs[REG_RSP]);
  at.fp = Address(machine.gregs[REG_RBP]);
#else
  at.pc = machine.pc;
  at.sp = machine.sp;
  at.fp = machine.regs[29];
#endif
  if (most == 0) return 0;
  frames[0] = at.pc;
  return 1 + walk(at, false, frames + 1, most - 1);
}

bool LinuxPlatform::find_module(Address address, LoadedModule& module) noexcept {
#if defined(STRATA_FINDS_MODULES)
  dl_find_object found;
  if (_dl_find_object != nullptr &&
      _dl_find_object(reinterpret_cast<void*>(address), &found) == 0) {
    module = {Address(found.dlfo_map_start), Address(found.dlfo_map_end),
              found.dlfo_link_map->l_addr, found.dlfo_link_map->l_name};
    return true;
  }
#endif
  return false;
}

}  // namespace strata
