// Large blocks of hardened mode: their lives. See large.hpp; where they lie: large_place.hpp.
#include "harden/large.hpp"

#include "base/bits.hpp"
#include "base/lock_guard.hpp"
#include "harden/guards.hpp"
#include "harden/large_place.hpp"
#include "harden/memory.hpp"
#include "harden/misuse.hpp"
#include "harden/protections.hpp"
#include "harden/small.hpp"
#include "heap/state.hpp"

namespace strata::harden {
namespace {

constexpr size_t largest_cleared = 128 * KiB;
constexpr unsigned steps = 8;
constexpr unsigned class_total = (31 - 15) * steps;
// What waits: of those that are cleared, so many bytes; of those that are only addresses, so many
// runs, and so many mappings.
constexpr size_t waiting_bytes = 1 * MiB;
constexpr size_t waiting_runs = 128;
constexpr unsigned most_waiting_mappings = 8;

// First in, first out; what an entry counts for is the queue's business.
struct Queue {
  List<LargeBlock> blocks;
  size_t sum = 0;
};

// Guarded by large_lock().
struct State {
  LargeBlock* ready[class_total] = {};
  Queue cleared;  // counted in bytes
  Queue closed;   // counted in runs
  LargeBlock* waiting_mappings[most_waiting_mappings] = {};
  unsigned next_mapping = 0;
  size_t resident = 0;  // bytes of ready blocks that may be there; read without lock
  LargeUsage usage;
};
constinit State state;

// What a block of the size may touch.
size_t accessible_for(size_t size) noexcept {
  const size_t page = Machine::page_size();
  if (size < largest_small) size = largest_small;
  const size_t step = std::bit_floor(size) / steps;
  return align_up(size, step < page ? page : step);
}
unsigned class_of_accessible(size_t accessible) noexcept {
  const unsigned power = log2_floor(accessible);
  const size_t within = (accessible - (size_t{1} << power)) >> (power - 3);
  return (power - 15) * steps + unsigned(within);
}

size_t slack_of(const LargeBlock* block) noexcept { return block->accessible - block->size; }
void* pointer_to(const LargeBlock* block) noexcept {
  return reinterpret_cast<void*>(block->address);
}

void put_canary(const LargeBlock* block) noexcept {
  if (has(Protection::canaries) && slack_of(block) != 0) {
    canary.put(pointer_to(block), block->accessible, slack_of(block));
  }
}

LargeBlock* take_ready(size_t accessible) noexcept {
  LockGuard guard(large_lock());
  LargeBlock*& stack = state.ready[class_of_accessible(accessible)];
  LargeBlock* const block = stack;
  if (block == nullptr) return nullptr;
  stack = block->next;
  if (block->resident) state.resident -= block->accessible;
  return block;
}

// A block that was ready is made as a new one is; false: it cannot be opened again.
bool revive(LargeBlock* block) noexcept {
  if (block->closed) {
    if (!remove_guard(block->address, block->accessible)) return false;
    block->closed = false;
  } else if (has(Protection::reuse_check) && block->resident &&
             !is_zero(pointer_to(block), block->accessible)) {
    report_write_after_free(pointer_to(block), block->size, block->freed_by, "malloc");
    clear(pointer_to(block), block->accessible);
  }
  return true;
}

LargeBlock* open_block(size_t size, size_t accessible, size_t alignment) noexcept {
  const size_t most = slot_supply.addresses_are_scarce() ? largest_cleared : largest_run;
  if (accessible <= most && alignment <= SlotRange::alignment) {
    if (alignment <= slot_size) {
      // What cannot be opened again stays as it is.
      LargeBlock* const block = take_ready(accessible);
      if (block != nullptr && revive(block)) return block;
    }
    if (LargeBlock* const block = open_run(accessible, alignment)) return block;
  }
  return open_mapping(size, alignment);
}

void* begin_life(LargeBlock* block, size_t size, Form form) noexcept {
  {
    LockGuard guard(large_lock());
    block->size = size;
    block->form = form;
    block->state = LargeBlock::State::live;
    block->resident = true;
    size_t& blocks = block->run != nullptr ? state.usage.blocks : state.usage.mappings;
    size_t& bytes = block->run != nullptr ? state.usage.bytes : state.usage.mapped_bytes;
    ++blocks;
    bytes += block->accessible;
  }
  put_canary(block);
  return pointer_to(block);
}

// With the lock held. nullptr: nothing waits.
LargeBlock* take_oldest(Queue& queue) noexcept {
  LargeBlock* const block = queue.blocks.pop_front();
  if (block == nullptr) return nullptr;
  queue.sum -= block->resident ? block->accessible : 1;
  block->state = LargeBlock::State::ready;
  if (block->resident) state.resident += block->accessible;
  return block;
}

// The block waits; what has waited longest comes out if too many do, or nullptr.
LargeBlock* let_wait(LargeBlock* block) noexcept {
  const bool cleared = block->resident;
  LockGuard guard(large_lock());
  Queue& queue = cleared ? state.cleared : state.closed;
  queue.blocks.push_back(block);
  queue.sum += cleared ? block->accessible : 1;
  return queue.sum > (cleared ? waiting_bytes : waiting_runs) ? take_oldest(queue) : nullptr;
}

// A block that has waited serves the next of its class; or whoever comes, where addresses are few
// or its place is a special one.
void make_ready(LargeBlock* block) noexcept {
  const bool counted = block->resident;
  const bool closes = slot_supply.addresses_are_scarce() || block->lead > 1;
  if (counted && (closes || state.resident > range_settings.dirty_limit / 4)) {
    if (!closes) block->resident = !Machine::purge(block->address, block->accessible);
    LockGuard guard(large_lock());
    if (closes || !block->resident) state.resident -= block->accessible;
  }
  if (closes) return close_run(block);
  LockGuard guard(large_lock());
  LargeBlock*& stack = state.ready[class_of_accessible(block->accessible)];
  block->next = stack;
  stack = block;
}

// As let_wait. The table of mappings needs their links, so a ring stands for the queue.
LargeBlock* let_mapping_wait(LargeBlock* block) noexcept {
  if (slot_supply.addresses_are_scarce()) return block;
  LockGuard guard(large_lock());
  LargeBlock*& place = state.waiting_mappings[state.next_mapping];
  state.next_mapping = (state.next_mapping + 1) % most_waiting_mappings;
  LargeBlock* const oldest = place;
  place = block;
  return oldest;
}

// Ends the block's life; false when it has none, which is reported.
bool end_life(LargeBlock* block, void* pointer) noexcept {
  bool was_live = false;
  {
    LockGuard guard(large_lock());
    was_live = block->state == LargeBlock::State::live && Address(pointer) == block->address;
    if (was_live) {
      block->state = LargeBlock::State::waiting;
      size_t& blocks = block->run != nullptr ? state.usage.blocks : state.usage.mappings;
      size_t& bytes = block->run != nullptr ? state.usage.bytes : state.usage.mapped_bytes;
      --blocks;
      bytes -= block->accessible;
      block->freed_by = Machine::thread_number();
    }
  }
  if (!was_live) report_no_block(slot_supply.find(Address(pointer)), pointer, true);
  return was_live;
}

void check_end(const LargeBlock* block, Form form, size_t size) noexcept {
  if constexpr (has(Protection::origin)) {
    if (block->form != form) report_family(pointer_to(block), block->size, block->form, form);
    if (size != heap::unknown_size && size != block->size) {
      report_size(pointer_to(block), block->size, size);
    }
  }
  if (!large_canary_is_whole(*block)) report_overflow(pointer_to(block), block->size, "free");
}

// What a block holds goes to another. Pages of much are moved, not copied: what was never touched
// takes no memory then.
void transfer(void* to, void* from, size_t bytes) noexcept {
  constexpr size_t least_moved = 4 * MiB;  // each takes a mapping or two
  size_t moved = 0;
  if (bytes >= least_moved) {
    const size_t whole = align_down(bytes, Machine::page_size());
    if (Machine::move_pages(Address(from), whole, Address(to))) moved = whole;
  }
  __builtin_memcpy(static_cast<char*>(to) + moved, static_cast<char*>(from) + moved, bytes - moved);
}

}  // namespace

void* allocate_large(size_t size, size_t alignment, Form form) noexcept {
  // No object may be larger than PTRDIFF_MAX, and the roundings below must not wrap.
  if (size > size_t(PTRDIFF_MAX) || alignment > size_t(PTRDIFF_MAX) / 4) return nullptr;
  const size_t accessible = accessible_for(size);
  LargeBlock* block = open_block(size, accessible, alignment);
  if (block == nullptr && give_back_unused()) block = open_block(size, accessible, alignment);
  return block != nullptr ? begin_life(block, size, form) : nullptr;
}

void free_large(LargeBlock* block, void* pointer, Form form, size_t size) noexcept {
  if (block->state == LargeBlock::State::live && Address(pointer) == block->address) {
    check_end(block, form, size);
  }
  if (!end_life(block, pointer)) return;
  if (block->run == nullptr) {
    block->closed = true;
    Machine::decommit(block->address, block->accessible);
    if (LargeBlock* const gone = let_mapping_wait(block)) close_mapping(gone);
    return;
  }
  if (block->accessible <= largest_cleared) {
    clear(pointer, block->accessible);
  } else {
    block->closed = install_guard(block->address, block->accessible);
    if (!block->closed) Machine::purge(block->address, block->accessible);
    block->resident = false;
  }
  if (LargeBlock* const oldest = let_wait(block)) make_ready(oldest);
}

size_t size_of_large(LargeBlock* block, void* pointer) noexcept {
  if (block->state == LargeBlock::State::live && Address(pointer) == block->address) {
    return block->size;
  }
  report_no_block(slot_supply.find(Address(pointer)), pointer, false);
  return 0;
}

void* reallocate_large(LargeBlock* block, void* pointer, size_t size) noexcept {
  const size_t old_size = size_of_large(block, pointer);
  if (block->state != LargeBlock::State::live || Address(pointer) != block->address) return nullptr;
  if (size > size_t(PTRDIFF_MAX)) return nullptr;
  if (has(Protection::origin) && block->form != Form::malloc) {
    report_family(pointer, old_size, block->form, Form::malloc);
  }
  if (!large_canary_is_whole(*block)) {
    report_overflow(pointer, old_size, "realloc");
    put_canary(block);  // said once: free finds it whole
  }
  if (size > largest_guarded && size <= block->accessible && size >= block->accessible / 2) {
    // What was canary is the program's now.
    const size_t rest = slack_of(block) < Canary::bytes ? slack_of(block) : Canary::bytes;
    __builtin_memset(static_cast<char*>(pointer) + old_size, 0, rest);
    block->size = size;
    put_canary(block);
    return pointer;
  }
  void* moved = nullptr;
  if (size > old_size && size <= largest_run / 2) {
    // A growing block is likely to grow again: half as many bytes again let it do so in place.
    const size_t wanted = accessible_for(size + size / 2);
    if (LargeBlock* const larger = open_block(size, wanted, 1)) {
      moved = begin_life(larger, size, Form::malloc);
    }
  } else {
    moved = heap::mode->allocate(size, Form::malloc);
  }
  if (moved == nullptr) return nullptr;
  const size_t kept = size < old_size ? size : old_size;
  if (size > largest_guarded) {
    transfer(moved, pointer, kept);
  } else {
    __builtin_memcpy(moved, pointer, kept);
  }
  heap::mode->free(pointer, Form::malloc, heap::unknown_size);
  return moved;
}

bool large_canary_is_whole(const LargeBlock& block) noexcept {
  return !has(Protection::canaries) || slack_of(&block) == 0 ||
         canary.is_whole(pointer_to(&block), block.accessible, slack_of(&block));
}

size_t trim_large() noexcept {
  LockGuard guard(large_lock());
  size_t bytes = 0;
  for (LargeBlock* block : state.ready) {
    for (; block != nullptr; block = block->next) {
      if (!block->resident) continue;
      if (Machine::purge(block->address, block->accessible)) bytes += block->accessible;
      block->resident = false;
    }
  }
  state.resident = 0;
  return bytes;
}

bool give_back_large() noexcept {
  bool any = false;
  const auto close_all = [&](auto take) {
    for (;;) {
      LargeBlock* block = nullptr;
      {
        LockGuard guard(large_lock());
        block = take();
        if (block != nullptr && block->resident) state.resident -= block->accessible;
      }
      if (block == nullptr) return;
      close_run(block);
      any = true;
    }
  };
  close_all([] { return take_oldest(state.cleared); });
  close_all([] { return take_oldest(state.closed); });
  for (LargeBlock*& stack : state.ready) {
    close_all([&] {
      LargeBlock* const block = stack;
      if (block != nullptr) stack = block->next;
      return block;
    });
  }
  for (LargeBlock*& place : state.waiting_mappings) {
    LargeBlock* block = nullptr;
    {
      LockGuard guard(large_lock());
      block = place;
      place = nullptr;
    }
    if (block == nullptr) continue;
    close_mapping(block);
    any = true;
  }
  return any;
}

LargeUsage large_usage() noexcept {
  LockGuard guard(large_lock());
  return state.usage;
}

}  // namespace strata::harden
