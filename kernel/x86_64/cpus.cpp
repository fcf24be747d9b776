// The processors: interrupt table, per-CPU word, start of the others, and the TLB shootdown.
#include "console.hpp"
#include "kernel_machine.hpp"
#include "platform/kernel/thread_area.hpp"

using namespace strata;

extern "C" {
extern unsigned char trap_entries[], probe_load[], probe_fault[];
Address ap_stacks[KernelMachine::max_cpus];
extern unsigned char tls_data[];  // link.ld
void trap_main(std::uint64_t* frame);
void ap_main(unsigned number);
}

namespace kernel {

namespace {

constexpr unsigned page_fault = 14;
constexpr unsigned flush_vector = 64;
constexpr std::uint64_t local_apic = 0xfee00000;

struct Gate {
  std::uint16_t low, selector, flags, middle;
  std::uint32_t high, zero;
};
constinit Gate gates[256] = {};

struct alignas(cache_line) Cpu {
  std::uint64_t number;                // what GS leads to; set once
  Atomic<std::uint64_t> flushes_seen;  // written by its own CPU
};
constinit Cpu cpus[Machine::max_cpus] = {};
constinit Atomic<unsigned> running{1};           // CPUs that answer; written by each as it starts
constinit Atomic<std::uint64_t> flushes_wanted;  // counts requests
void (*other_main)(unsigned);                    // set before they start

void out8(unsigned port, unsigned char value) noexcept {
  asm volatile("outb %0, %1" ::"a"(value), "Nd"(std::uint16_t(port)));
}
unsigned char in8(unsigned port) noexcept {
  unsigned char value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(std::uint16_t(port)));
  return value;
}

volatile std::uint32_t& apic(unsigned offset) noexcept {
  return *reinterpret_cast<volatile std::uint32_t*>(Machine::direct_base + local_apic + offset);
}
void send_to_others(std::uint32_t command) noexcept {
  apic(0x310) = 0;
  apic(0x300) = 0xc0000 | command;
  while ((apic(0x300) & 0x1000) != 0) cpu_relax();
}

void reload_translations() noexcept {
  std::uint64_t root;
  asm volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(root)::"memory");
}

void set_up_cpu(unsigned number) noexcept {
  struct [[gnu::packed]] {
    std::uint16_t limit = sizeof(gates) - 1;
    std::uint64_t base = Address(gates);
  } pointer;
  asm volatile("lidt %0" ::"m"(pointer));
  cpus[number].number = number;
  const Address gs = Address(&cpus[number]);
  asm volatile("wrmsr" ::"c"(0xc0000101u), "a"(unsigned(gs)), "d"(unsigned(gs >> 32)));
  apic(0xf0) = 0x1ff;  // on, spurious interrupts to 255
}

}  // namespace

void set_up_first_cpu() noexcept {
  for (unsigned i = 0; i < 256; ++i) {
    // Entries are 16 bytes apart; everything without its own ends in the last one (the flush's).
    const Address entry = Address(trap_entries) + 16 * (i <= flush_vector ? i : flush_vector);
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
  set_up_cpu(0);
  asm volatile("sti" ::: "memory");
}

void console_put(char one) noexcept {
  if (one == '\n') console_put('\r');
  while ((in8(0x3fd) & 0x20) == 0) cpu_relax();
  out8(0x3f8, static_cast<unsigned char>(one));
}

void finish(bool passed) noexcept {
  out8(0xf4, passed ? 0x10 : 1);  // QEMU exits with twice that plus one: 33 or 3
  for (;;) asm volatile("cli; hlt");
}

void panic(const char* why) noexcept {
  put("\nkernel: stopped: ");
  put(why);
  put("\n");
  out8(0xf4, 3);
  for (;;) asm volatile("cli; hlt");
}

void answer_flush() noexcept {
  Cpu& self = cpus[Machine::cpu()];
  // Acquire pairs with the release in flush(): page tables written before the request are seen.
  const std::uint64_t wanted = flushes_wanted.load(Order::acquire);
  if (self.flushes_seen.load(Order::relaxed) == wanted) return;
  reload_translations();
  self.flushes_seen.store(wanted, Order::release);
}

void sleep_unless(bool (*ready)()) noexcept {
  asm volatile("cli" ::: "memory");
  if (ready()) {
    asm volatile("sti" ::: "memory");
  } else {
    asm volatile("sti; hlt" ::: "memory");  // nothing can come between the two
  }
}

void wake_cpus() noexcept {
  const InterruptGuard guard;
  send_to_others(flush_vector);
}

namespace {
ThreadImage thread_image() noexcept {
  // Sizes are absolute symbols, too small for the kernel's own addressing.
  std::uint64_t data, all, alignment;
  asm("movabsq $tls_data_bytes, %0" : "=r"(data));
  asm("movabsq $tls_bytes, %0" : "=r"(all));
  asm("movabsq $tls_alignment, %0" : "=r"(alignment));
  return {tls_data, data, all, alignment};
}
}  // namespace

size_t thread_area_size() noexcept { return thread_area_bytes(thread_image()); }

void set_thread_area(void* memory) noexcept {
  const Address pointer = build_thread_area(thread_image(), memory);
  asm volatile("wrmsr" ::"c"(0xc0000100u), "a"(unsigned(pointer)), "d"(unsigned(pointer >> 32)));
}

unsigned start_cpus(unsigned wanted, Frames& frames, void (*main)(unsigned)) noexcept {
  if (wanted > Machine::max_cpus) wanted = Machine::max_cpus;
  if (wanted <= 1) return 1;
  other_main = main;
  constexpr size_t stack_frames = 4;
  for (unsigned i = 1; i < wanted; ++i) {
    const FrameRun stack = frames.allocate({.count = stack_frames});
    if (!stack.first) panic("no frames for the stacks of other CPUs");
    ap_stacks[i] = Address(Machine::direct(stack.first)) + stack_frames * frame_size;
  }
  const auto low = [](std::uint64_t physical) {
    return reinterpret_cast<unsigned*>(Machine::direct_base + physical);
  };
  *low(boot_addresses.ap_limit) = wanted;
  __builtin_memcpy(low(0x8000), low(boot_addresses.ap_start),
                   size_t(boot_addresses.ap_start_end - boot_addresses.ap_start));
  send_to_others(0x4500);  // INIT
  const auto wait = [] {   // about a microsecond; where CPUs share a host thread, the others run
    in8(0x80);
    cpu_relax();
  };
  for (int i = 0; i < 10000; ++i) wait();
  for (int attempt = 0; attempt < 2 && running.load(Order::acquire) < wanted; ++attempt) {
    send_to_others(0x4608);  // start at 0x8000
    for (int i = 0; i < 200000 && running.load(Order::acquire) < wanted; ++i) wait();
  }
  return running.load(Order::acquire);
}

}  // namespace kernel

void KernelMachine::flush(Address address, size_t pages) noexcept {
  if (pages > 32) {
    kernel::reload_translations();
  } else {
    for (size_t i = 0; i < pages; ++i) {
      asm volatile("invlpg (%0)" ::"r"(address + i * frame_size) : "memory");
    }
  }
  const unsigned count = kernel::running.load(Order::acquire);
  if (count == 1) return;
  const InterruptGuard guard;
  const unsigned self = cpu();
  // Release pairs with the acquire in answer_flush(). Our own number counts as seen.
  const std::uint64_t wanted = kernel::flushes_wanted.fetch_add(1, Order::acq_rel) + 1;
  kernel::send_to_others(kernel::flush_vector);
  for (unsigned i = 0; i < count; ++i) {
    // Acquire pairs with the release in answer_flush(): its loads through old entries are over.
    while (i != self && kernel::cpus[i].flushes_seen.load(Order::acquire) < wanted) {
      kernel::answer_flush();  // another CPU may be waiting for us
      cpu_relax();
    }
  }
}

void trap_main(std::uint64_t* frame) {
  // 15 saved registers, the vector, the error code, then what the CPU pushed.
  const std::uint64_t vector = frame[15];
  std::uint64_t& instruction = frame[17];
  if (vector == kernel::flush_vector) {
    kernel::answer_flush();
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

void ap_main(unsigned number) {
  kernel::set_up_cpu(number);
  // From here on we answer: nothing was cached before that could be stale.
  kernel::cpus[number].flushes_seen.store(kernel::flushes_wanted.load(Order::acquire),
                                          Order::release);
  kernel::running.fetch_add(1, Order::acq_rel);
  asm volatile("sti" ::: "memory");
  kernel::other_main(number);
}
