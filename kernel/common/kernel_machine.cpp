// The functions of the port, on PageTables. See kernel_machine.hpp.
#include "kernel_machine.hpp"

#include "console.hpp"
#include "platform/kernel/page_tables.hpp"

namespace strata {

namespace {

constinit Frames<KernelMachine>* table_frames = nullptr;  // set once, before map() is called
constinit Atomic<long> failing_map;
constinit bool problems_expected = false;
constinit Atomic<unsigned> problem_count;

struct Hooks {
  static Frame take_table() noexcept { return table_frames->get(); }
  static void* direct(Frame frame) noexcept { return KernelMachine::direct(frame); }
  static Frame root() noexcept { return KernelMachine::root(); }
};
using Tables = PageTables<KernelMachine::PageFormat, Hooks>;

}  // namespace

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
  kernel::say("strata: error: ", problem_text(problem), " at ", kernel::Hex{address}, "\n");
  kernel::panic("corruption");
}

void KernelMachine::set_frames(Frames<KernelMachine>* frames) noexcept { table_frames = frames; }

bool KernelMachine::map_direct(MemorySpan span) noexcept {
  return Tables::map_direct(direct_base, span.base, span.end, has_gib_pages());
}

size_t KernelMachine::page_tables() noexcept { return Tables::tables(); }
void KernelMachine::fail_map_at(long nth) noexcept { failing_map.store(nth, Order::relaxed); }
void KernelMachine::expect_problems(bool expected) noexcept { problems_expected = expected; }
unsigned KernelMachine::problems() noexcept { return problem_count.load(Order::relaxed); }

}  // namespace strata
