// The kernel as the platform under Strata on x86-64: page tables and processors. See the header.
#include "kernel_machine.hpp"

#include "console.hpp"
#include "platform/kernel/x86_64/page_tables.hpp"

namespace strata {

namespace {

constinit Frames<KernelMachine>* table_frames = nullptr;  // set once, before map() is called
constinit Atomic<long> failing_map;
constinit bool problems_expected = false;
constinit Atomic<unsigned> problem_count;

struct Hooks {
  static Frame take_table() noexcept { return table_frames->get(); }
  static void* direct(Frame frame) noexcept { return KernelMachine::direct(frame); }
  static Frame root() noexcept { return Frame::at(boot_addresses.root); }
};
using Tables = PageTables<Hooks>;

}  // namespace

void KernelLock::lock() noexcept {
  std::uint64_t flags;
  asm volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
  const std::uint32_t ticket = next_.fetch_add(1, Order::relaxed);
  // Acquire pairs with the release in unlock().
  while (serving_.load(Order::acquire) != ticket) {
    kernel::answer_flush();
    cpu_relax();
  }
  interrupts_ = (flags & 0x200) != 0;
}

void KernelLock::unlock() noexcept {
  const bool interrupts = interrupts_;
  serving_.store(serving_.load(Order::relaxed) + 1, Order::release);
  if (interrupts) asm volatile("sti" ::: "memory");
}

bool KernelMachine::map(Address address, Frame frame, size_t pages, Access access) noexcept {
  if (failing_map.load(Order::relaxed) > 0 && failing_map.fetch_sub(1, Order::relaxed) == 1) {
    return false;
  }
  return Tables::map(address, frame, pages, access);
}

FrameRun KernelMachine::unmap(Address address, size_t pages) noexcept {
  return Tables::unmap(address, pages);
}

void KernelMachine::fail(Problem problem, Address address) noexcept {
  problem_count.fetch_add(1, Order::relaxed);
  if (problems_expected) return;
  if (problem == Problem::heap_misuse) {
    kernel::say(reinterpret_cast<const char*>(address));
    kernel::panic("corruption");
  }
  kernel::say("strata: error: ", problem_text(problem), " at ", kernel::Hex{address}, "\n");
  kernel::panic("corruption");
}

// The time stamp counter, taken to run at 1 GHz: the heap wants an order of magnitude.
std::uint64_t KernelMachine::now() noexcept {
  unsigned low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (std::uint64_t{high} << 32 | low) / 1000000;
}

void KernelMachine::set_frames(Frames<KernelMachine>* frames) noexcept { table_frames = frames; }

bool KernelMachine::map_direct(MemorySpan span) noexcept {
  unsigned eax = 0x80000001, ebx, ecx = 0, edx;
  asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  const bool has_1gib = (edx >> 26 & 1) != 0;
  std::uint64_t at = align_down(span.base, 2 * MiB);
  while (at < span.end) {
    const bool whole = has_1gib && at % GiB == 0 && span.end - at >= GiB;
    const size_t step = whole ? GiB : 2 * MiB;
    if (!Tables::map_large(direct_base + at, Frame::at(at), whole ? 2 : 1)) {
      // A 1 GiB entry may stand there already; else no table could be had.
      if (!probe(direct(Frame::at(at)))) return false;
    }
    at += step;
  }
  return true;
}

size_t KernelMachine::page_tables() noexcept { return Tables::tables(); }
void KernelMachine::fail_map_at(long nth) noexcept { failing_map.store(nth, Order::relaxed); }
void KernelMachine::expect_problems(bool expected) noexcept { problems_expected = expected; }
unsigned KernelMachine::problems() noexcept { return problem_count.load(Order::relaxed); }

}  // namespace strata
