// Large blocks of hardened mode: their lives. See large.hpp; where they lie: large_place.hpp; and
// what comes between two lives: large_rest.hpp.
#include "harden/large.hpp"

#include "base/bits.hpp"
#include "base/lock_guard.hpp"
#include "harden/guards.hpp"
#include "harden/large_place.hpp"
#include "harden/large_rest.hpp"
#include "harden/memory.hpp"
#include "harden/misuse.hpp"
#include "harden/protections.hpp"
#include "harden/small.hpp"
#include "heap/state.hpp"

namespace strata::harden {
namespace {

// Where addresses are few, more than this is a mapping of its own: it goes when it is freed.
constexpr size_t largest_run_where_scarce = 128 * KiB;

// Guarded by large_lock().
constinit LargeUsage usage;

// What a block of the size may touch.
size_t accessible_for(size_t size) noexcept {
  const size_t page = Machine::page_size();
  if (size < largest_small) size = largest_small;
  return align_up(size, page);
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

LargeBlock* open_block(size_t size, size_t accessible, size_t alignment) noexcept {
  const size_t most = slot_supply.addresses_are_scarce() ? largest_run_where_scarce : largest_run;
  if (accessible <= most && alignment <= SlotRange::alignment) {
    if (alignment <= slot_size) {
      if (LargeBlock* const block = take_rested(accessible)) return block;
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
    if (block->touched < block->accessible) block->touched = block->accessible;
    size_t& blocks = block->run != nullptr ? usage.blocks : usage.mappings;
    size_t& bytes = block->run != nullptr ? usage.bytes : usage.mapped_bytes;
    ++blocks;
    bytes += block->accessible;
  }
  put_canary(block);
  return pointer_to(block);
}

// The calling thread's number, without a system call where it is known.
std::uint32_t this_thread() noexcept {
  const ThreadState* const state = seen_thread_state();
  const std::uint32_t known = state != nullptr ? thread_of(state->number) : 0;
  return known != 0 ? known : Machine::thread_number();
}

// Ends the block's life; false when it has none, which is reported.
bool end_life(LargeBlock* block, void* pointer) noexcept {
  const std::uint32_t thread = this_thread();
  bool was_live = false;
  {
    LockGuard guard(large_lock());
    was_live = block->state == LargeBlock::State::live && Address(pointer) == block->address;
    if (was_live) {
      block->state = LargeBlock::State::waiting;
      size_t& blocks = block->run != nullptr ? usage.blocks : usage.mappings;
      size_t& bytes = block->run != nullptr ? usage.bytes : usage.mapped_bytes;
      --blocks;
      bytes -= block->accessible;
      block->freed_by = thread;
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
  block->run != nullptr ? put_run_to_rest(block) : put_mapping_to_rest(block);
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

LargeUsage large_usage() noexcept {
  LockGuard guard(large_lock());
  return usage;
}

}  // namespace strata::harden
