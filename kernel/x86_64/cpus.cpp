// The processors: start of the others, thread pointers, the TLB shootdown, and the end.
#include "platform/kernel/thread_area.hpp"
#include "x86_64.hpp"

using namespace strata;

extern "C" {
Address ap_stacks[KernelMachine::max_cpus];
extern unsigned char tls_data[];  // link.ld
void ap_main(unsigned number);
}

namespace kernel {

namespace {

struct alignas(cache_line) Answer {
  Atomic<std::uint64_t> seen;  // requests answered; written by its own CPU
};
constinit Answer answers[Machine::max_cpus] = {};
constinit Atomic<unsigned> running{1};           // CPUs that answer; written by each as it starts
constinit Atomic<std::uint64_t> flushes_wanted;  // counts requests
void (*other_main)(unsigned);                    // set before they start

void reload_translations() noexcept {
  std::uint64_t root;
  asm volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(root)::"memory");
}

ThreadImage thread_image() noexcept {
  // Sizes are absolute symbols, too small for the kernel's own addressing.
  std::uint64_t data, all, alignment;
  asm("movabsq $tls_data_bytes, %0" : "=r"(data));
  asm("movabsq $tls_bytes, %0" : "=r"(all));
  asm("movabsq $tls_alignment, %0" : "=r"(alignment));
  return {tls_data, data, all, alignment};
}

}  // namespace

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

size_t thread_area_size() noexcept { return thread_area_bytes(thread_image()); }

void set_thread_area(void* memory) noexcept {
  const Address pointer = build_thread_area(thread_image(), memory);
  asm volatile("wrmsr" ::"c"(0xc0000100u), "a"(unsigned(pointer)), "d"(unsigned(pointer >> 32)));
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
  const Arch::CpuGuard guard;
  send_to_others(flush_vector);
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

void answer_flush() noexcept {
  Atomic<std::uint64_t>& seen = answers[Machine::cpu()].seen;
  // Acquire pairs with the release in flush(): page tables written before the request are seen.
  const std::uint64_t wanted = flushes_wanted.load(Order::acquire);
  if (seen.load(Order::relaxed) == wanted) return;
  reload_translations();
  seen.store(wanted, Order::release);
}

void Arch::flush(Address address, size_t pages) noexcept {
  if (pages > 32) {
    reload_translations();
  } else {
    for (size_t i = 0; i < pages; ++i) {
      asm volatile("invlpg (%0)" ::"r"(address + i * frame_size) : "memory");
    }
  }
  const unsigned count = running.load(Order::acquire);
  if (count == 1) return;
  const CpuGuard guard;
  const unsigned self = cpu();
  // Release pairs with the acquire in answer_flush(). Our own number counts as seen.
  const std::uint64_t wanted = flushes_wanted.fetch_add(1, Order::acq_rel) + 1;
  send_to_others(flush_vector);
  for (unsigned i = 0; i < count; ++i) {
    // Acquire pairs with the release in answer_flush(): its loads through old entries are over.
    while (i != self && answers[i].seen.load(Order::acquire) < wanted) {
      answer_flush();  // another CPU may be waiting for us
      cpu_relax();
    }
  }
}

Frame Arch::root() noexcept { return Frame::at(boot_addresses.root); }

bool Arch::has_gib_pages() noexcept {
  unsigned eax = 0x80000001, ebx, ecx = 0, edx;
  asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (edx >> 26 & 1) != 0;
}

// The time stamp counter, taken to run at 1 GHz: the heap wants an order of magnitude.
std::uint64_t Arch::now() noexcept {
  unsigned low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (std::uint64_t{high} << 32 | low) / 1000000;
}

}  // namespace kernel

void ap_main(unsigned number) {
  kernel::set_up_cpu(number);
  // From here on we answer: nothing was cached before that could be stale.
  kernel::answers[number].seen.store(kernel::flushes_wanted.load(Order::acquire), Order::release);
  kernel::running.fetch_add(1, Order::acq_rel);
  asm volatile("sti" ::: "memory");
  kernel::other_main(number);
}
