// See diagnose.hpp.
#include "harden/diagnose.hpp"

#include "harden/blocks.hpp"
#include "harden/harden.hpp"
#include "harden/help.hpp"
#include "harden/history.hpp"
#include "harden/leaks.hpp"
#include "harden/record.hpp"
#include "harden/stack_depot.hpp"
#include "harden/thread.hpp"
#include "harden/verify.hpp"
#include "heap/report.hpp"
#include "ranges/slot_supply.hpp"

namespace strata::harden {
namespace {

constinit Atomic<unsigned> verify_asked;

void look_over() noexcept {
  if (verify_asked.exchange(0, Order::relaxed) == 0) return;
  const bool alone = thread_count() <= 1;
  const size_t found = verify(~size_t{0}, alone, "SIGUSR2");
  Line line;
  line.text("strata: heap looked over: ").number(found).text(" errors");
  if (!alone) line.text(" in what thread ").number(Machine::thread_number()).text(" keeps ready");
  heap::say(line.text("\n"));
}

STRATA_INLINE void answer_signal() noexcept {
  if (STRATA_UNLIKELY(verify_asked.load(Order::relaxed) != 0)) look_over();
}

void* note_allocated(void* block) noexcept {
  if (block == nullptr) return nullptr;
  if (History* const history = history_of(Address(block)); history != nullptr) {
    Stack stack;
    stack.take();
    *history = {depot::keep(stack), 0, stack.thread, 0};
  }
  return block;
}

// Before it is freed, so that nobody has the block yet that comes next. What is freed a second
// time keeps the stack of the first.
void note_freed(void* block) noexcept {
  History* const history = history_of(Address(block));
  if (history == nullptr || history->allocated == 0 || history->freed != 0) return;
  Stack stack;
  stack.take();
  history->freed_by = stack.thread;
  history->freed = depot::keep(stack);
}

void* allocate(size_t size, Form form) noexcept {
  answer_signal();
  return note_allocated(hardened_calls.allocate(size, form));
}
void* allocate_zeroed(size_t size) noexcept {
  return note_allocated(hardened_calls.allocate_zeroed(size));
}
void* allocate_aligned(size_t alignment, size_t size, Form form) noexcept {
  return note_allocated(hardened_calls.allocate_aligned(alignment, size, form));
}
void free(void* pointer, Form form, size_t size) noexcept {
  answer_signal();
  note_freed(pointer);
  hardened_calls.free(pointer, form, size);
}

// What moves a block asks the mode for the new one, and so is noted.
void* reallocate(void* pointer, size_t size) noexcept {
  return hardened_calls.reallocate(pointer, size);
}
size_t usable_size(void* pointer) noexcept { return hardened_calls.usable_size(pointer); }
size_t trim(size_t keep) noexcept { return hardened_calls.trim(keep); }
void collect(heap::Statistics& all) noexcept { hardened_calls.collect(all); }
void finish() noexcept { hardened_calls.finish_thread(); }

void tell_kept(const char* what, std::uint32_t number, std::uint32_t thread) noexcept {
  const Address* frames = nullptr;
  const unsigned count = depot::frames_of(number, frames);
  tell_stack(what, frames, count, thread);
}

void tell_history(Address block, bool with_free) noexcept {
  const History* const history = history_of(block);
  if (history == nullptr) return;
  tell_kept("allocated", history->allocated, history->allocated_by);
  if (with_free) tell_kept("freed", history->freed, history->freed_by);
}

// Who made the block, and what to try. `block` 0: it is none.
void tell_rest(const Line& line, Address block) noexcept {
  if (block != 0) tell_history(block, !is_of_live_block(line.c_str()));
  tell_help(line.c_str());
}

void tell_details(const Line& line, const void* about) noexcept {
  Stack here;
  here.take();
  tell_stack("found", here);
  const BlockAround block = block_around(Address(about));
  tell_rest(line, block.address != 0 ? block.address : Address(about));
}

// An access that faults: of a guard page, or of a block that is inaccessible since it was freed.
void look(const Machine::Fault& fault) noexcept {
  if (slot_supply.find(fault.address) == nullptr && !is_in_mapping(fault.address)) return;
  const BlockAround block = block_around(fault.address);
  Line line;
  line.text("strata: error: ");
  if (block.address == 0) {
    line.text(fault.writes ? "write to " : "read of ").hex(fault.address);
    line.text(" (in the heap, but in no block)");
  } else if (!block.live) {
    line.text(fault.writes ? "write after free to " : "read after free of ").hex(fault.address);
    line.text(" (byte ").number(fault.address - block.address).text(" of the ");
    line.number(block.size).text("-byte block, freed before)");
  } else {
    const bool before = fault.address < block.address;
    line.text(before ? "underflow of " : "overflow of ").hex(block.address).text(" (");
    line.text(fault.writes ? "write at " : "read at ").hex(fault.address).text(", ");
    line.number(before ? block.address - fault.address
                       : fault.address - block.address - block.size);
    line.text(before ? " bytes before the begin of the " : " bytes behind the end of the ");
    line.number(block.size).text("-byte block)");
  }
  heap::say(line.text("\n"));
  Stack here;
  here.count = Machine::walk_fault(fault, here.frames, Stack::most);
  tell_access(fault.writes ? "written" : "read", here.frames, here.count, Machine::thread_number());
  tell_rest(line, block.address);
}

void verify_at_end() noexcept {
  hardened_calls.verify_at_exit();
  tell_leaks();
}

void before_fork() noexcept {
  hardened_calls.before_fork();
  depot::lock().lock();
}
void after_fork_in_parent() noexcept {
  depot::lock().unlock();
  hardened_calls.after_fork_in_parent();
}
void after_fork_in_child() noexcept {
  depot::lock().unlock();
  hardened_calls.after_fork_in_child();
}

}  // namespace

const heap::ModeCalls diagnose_calls = {
    .allocate = allocate,
    .allocate_zeroed = allocate_zeroed,
    .allocate_aligned = allocate_aligned,
    .free = free,
    .reallocate = reallocate,
    .usable_size = usable_size,
    .trim = trim,
    .collect = collect,
    .finish_thread = finish,
    .verify_at_exit = verify_at_end,
    .before_fork = before_fork,
    .after_fork_in_parent = after_fork_in_parent,
    .after_fork_in_child = after_fork_in_child,
};

void prepare_diagnosis() noexcept {
  depot::open();
  heap::report_settings.details = tell_details;
  Machine::watch_faults(look);
  Machine::watch_signal([]() noexcept { verify_asked.store(1, Order::relaxed); });
}

}  // namespace strata::harden
