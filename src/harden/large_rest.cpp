// Large blocks that wait and that are ready. See large_rest.hpp.
#include "harden/large_rest.hpp"

#include "base/intrusive_list.hpp"
#include "base/lock_guard.hpp"
#include "harden/bytes.hpp"
#include "harden/guards.hpp"
#include "harden/large_place.hpp"
#include "harden/misuse.hpp"
#include "harden/protections.hpp"
#include "harden/thread.hpp"
#include "heap/state.hpp"

namespace strata::harden {
namespace {

constexpr size_t largest_cleared = 128 * KiB;
static_assert(capacity_for(largest_cleared) == largest_cleared, "a class is cleared or shut");
// What waits: of those that keep their pages, so many bytes; of the others, so many runs, and so
// many mappings.
constexpr size_t waiting_bytes = 2 * MiB;
constexpr size_t waiting_runs = 128;
constexpr unsigned most_waiting_mappings = 8;
// Of what is live, this share may be ready and in memory.
constexpr size_t live_share = 4;

// First in, first out; what an entry counts for is the queue's business.
struct Queue {
  List<LargeBlock> blocks;
  size_t sum = 0;
};

// Guarded by large_lock().
struct State {
  Queue kept;  // cleared and shut ones, counted in bytes
  Queue gone;  // counted in runs
  LargeBlock* waiting_mappings[most_waiting_mappings] = {};
  unsigned next_mapping = 0;
  // Ready, by class: with pages, the newest first; and without.
  List<LargeBlock> ready_kept[class_total];
  List<LargeBlock> ready_gone[class_total];
  Atomic<size_t> ready_bytes;   // of those with pages; written under the lock
  std::uint32_t looked_at = 0;  // when the old ones were looked for last, in ms
};
constinit State state;

void* pointer_to(const LargeBlock* block) noexcept {
  return reinterpret_cast<void*>(block->address);
}
unsigned class_of(const LargeBlock* block) noexcept {
  return class_of_capacity(capacity_for(block->accessible));
}

// Clears what is in memory, and brings nothing in.
void clear_resident(Address address, size_t bytes) noexcept {
  constexpr size_t most = 1024;
  unsigned char pages[most];
  const size_t page = Machine::page_size();
  while (bytes != 0) {
    const size_t piece = bytes < most * page ? bytes : most * page;
    if (!Machine::find_resident(address, piece, pages)) {
      Machine::purge(address, piece);
    } else {
      for (size_t at = 0, end = 0; at < piece / page; at = end + 1) {
        while (at < piece / page && (pages[at] & 1) == 0) ++at;
        for (end = at; end < piece / page && (pages[end] & 1) != 0;) ++end;
        __builtin_memset(reinterpret_cast<void*>(address + at * page), 0, (end - at) * page);
      }
    }
    address += piece;
    bytes -= piece;
  }
}

// Bytes that may be in memory behind the guard: an earlier block of the run was longer.
size_t touched_behind(const LargeBlock* block) noexcept {
  const size_t end = block->accessible + Machine::page_size();
  return block->touched > end ? block->touched - end : 0;
}
Address behind_guard(const LargeBlock* block) noexcept {
  return block->address + block->accessible + Machine::page_size();
}

// A run's pages go back to the system: those that did not when it was closed.
void let_go(LargeBlock* block) noexcept {
  if (block->shut && turn_into_guard(block->address, block->accessible)) {
    block->shut = false;
    block->closed = true;
  }
  if (!block->closed) Machine::purge(block->address, block->accessible);
  if (const size_t bytes = touched_behind(block); bytes != 0) {
    Machine::purge(behind_guard(block), bytes);
  }
  block->touched = 0;
}

// With the lock held. nullptr: nothing waits.
LargeBlock* take_oldest(Queue& queue) noexcept {
  LargeBlock* const block = queue.blocks.pop_front();
  if (block == nullptr) return nullptr;
  queue.sum -= block->touched != 0 ? block->touched : 1;
  block->state = LargeBlock::State::ready;
  return block;
}

void put_ready(LargeBlock* block, std::uint32_t now) noexcept {
  LockGuard guard(large_lock());
  block->ready_at = now;
  if (block->touched == 0) return state.ready_gone[class_of(block)].push_front(block);
  state.ready_kept[class_of(block)].push_front(block);
  state.ready_bytes.fetch_add(block->touched, Order::relaxed);
}

// With the lock held.
void remove_kept(LargeBlock* block) noexcept {
  state.ready_kept[class_of(block)].remove(block);
  state.ready_bytes.fetch_sub(block->touched, Order::relaxed);
}

// The one that has been ready longest, if there is more than `most` or it is old; nullptr: none.
LargeBlock* take_excess(size_t most, std::uint32_t now, std::uint32_t delay) noexcept {
  LockGuard guard(large_lock());
  const bool excess = state.ready_bytes.load(Order::relaxed) > most;
  if (!excess && now - state.looked_at < delay / 4) return nullptr;
  state.looked_at = now;
  LargeBlock* oldest = nullptr;
  for (const List<LargeBlock>& list : state.ready_kept) {
    LargeBlock* const block = list.last();
    if (block == nullptr) continue;
    if (oldest == nullptr || std::int32_t(block->ready_at - oldest->ready_at) < 0) oldest = block;
  }
  if (oldest == nullptr) return nullptr;
  if (!excess && now - oldest->ready_at < delay) return nullptr;
  remove_kept(oldest);
  return oldest;
}

size_t let_excess_go(size_t most, std::uint32_t now, std::uint32_t delay) noexcept {
  size_t bytes = 0;
  while (LargeBlock* const block = take_excess(most, now, delay)) {
    bytes += block->touched;
    let_go(block);
    put_ready(block, block->ready_at);
  }
  return bytes;
}

// A block that has waited serves the next of its class; or whoever comes, where addresses are few
// or its place is a special one.
void make_ready(LargeBlock* block) noexcept {
  if (slot_supply.addresses_are_scarce() || block->lead > 1) return close_run(block);
  const auto now = std::uint32_t(Machine::now());
  put_ready(block, now);
  const size_t share = large_usage().bytes / live_share;
  const size_t limit = range_settings.dirty_limit;
  let_excess_go(share > limit ? share : limit, now, range_settings.purge_delay);
}

// Makes it as a new one is; false: it cannot be opened again, and stays as it is.
bool revive(LargeBlock* block, size_t accessible) noexcept {
  const bool was_shut = block->shut;
  if (block->closed && !remove_guard(block->address, block->accessible)) return false;
  if (was_shut && !reopen_pages(block->address, block->accessible)) return false;
  if (has(Protection::reuse_check) && !block->closed && !was_shut && block->touched != 0 &&
      !is_zero(pointer_to(block), block->accessible)) {
    report_write_after_free(pointer_to(block), block->size, block->freed_by, "malloc");
    clear(pointer_to(block), block->accessible);
  }
  block->closed = block->shut = false;
  if (!move_end(block, accessible)) {
    let_go(block);
    return false;
  }
  if (was_shut && block->touched != 0) {
    clear_resident(block->address, block->touched < accessible ? block->touched : accessible);
    clear_resident(behind_guard(block), touched_behind(block));
  }
  return true;
}

}  // namespace

void put_run_to_rest(LargeBlock* block) noexcept {
  if (block->accessible <= largest_cleared) {
    clear(pointer_to(block), block->accessible);
  } else if (block->touched <= range_settings.dirty_limit / 2 &&
             shut_pages(block->address, block->accessible)) {
    block->shut = true;
  } else {
    block->closed = install_guard(block->address, block->accessible);
    let_go(block);
  }
  const bool keeps = block->touched != 0;
  Queue& queue = keeps ? state.kept : state.gone;
  {
    LockGuard guard(large_lock());
    queue.blocks.push_back(block);
    queue.sum += keeps ? block->touched : 1;
  }
  for (;;) {
    LargeBlock* oldest = nullptr;
    {
      LockGuard guard(large_lock());
      if (queue.sum > (keeps ? waiting_bytes : waiting_runs)) oldest = take_oldest(queue);
    }
    if (oldest == nullptr) return;
    make_ready(oldest);
  }
}

// The table of mappings needs their links, so a ring stands for the queue.
void put_mapping_to_rest(LargeBlock* block) noexcept {
  block->closed = true;
  block->touched = 0;
  Machine::decommit(block->address, block->accessible);
  if (!slot_supply.addresses_are_scarce()) {
    LockGuard guard(large_lock());
    LargeBlock*& place = state.waiting_mappings[state.next_mapping];
    state.next_mapping = (state.next_mapping + 1) % most_waiting_mappings;
    LargeBlock* const oldest = place;
    place = block;
    block = oldest;
  }
  if (block != nullptr) close_mapping(block);
}

LargeBlock* take_rested(size_t accessible) noexcept {
  constexpr unsigned choice = 4;  // places that the next block may get
  ThreadState* const thread = seen_thread_state();
  unsigned skipped = thread != nullptr ? thread->random.byte() % choice : 0;
  LargeBlock* block = nullptr;
  {
    LockGuard guard(large_lock());
    const unsigned c = class_of_capacity(capacity_for(accessible));
    block = state.ready_kept[c].first();
    if (block != nullptr) {
      for (; skipped != 0 && block->next != nullptr; --skipped) block = block->next;
      remove_kept(block);
    } else {
      block = state.ready_gone[c].pop_front();
    }
  }
  return block != nullptr && revive(block, accessible) ? block : nullptr;
}

size_t ready_large_bytes() noexcept { return state.ready_bytes.load(Order::relaxed); }

size_t trim_large() noexcept { return let_excess_go(0, std::uint32_t(Machine::now()), 0); }

bool give_back_large() noexcept {
  bool any = false;
  const auto close_all = [&](auto take) {
    for (;;) {
      LargeBlock* block = nullptr;
      {
        LockGuard guard(large_lock());
        block = take();
      }
      if (block == nullptr) return;
      close_run(block);
      any = true;
    }
  };
  close_all([] { return take_oldest(state.kept); });
  close_all([] { return take_oldest(state.gone); });
  for (List<LargeBlock>& list : state.ready_kept) {
    close_all([&] {
      LargeBlock* const block = list.first();
      if (block != nullptr) remove_kept(block);
      return block;
    });
  }
  for (List<LargeBlock>& list : state.ready_gone) close_all([&] { return list.pop_front(); });
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

}  // namespace strata::harden
