// Hardened mode's functions: where a call goes by size, and a pointer by its slot.
#include "base/bits.hpp"
#include "harden/guards.hpp"
#include "harden/harden.hpp"
#include "harden/large.hpp"
#include "harden/memory.hpp"
#include "harden/misuse.hpp"
#include "harden/protections.hpp"
#include "harden/small.hpp"
#include "harden/verify.hpp"
#include "heap/state.hpp"

namespace strata::harden {
namespace {

// Memory that is free reads zero, and so does every block that is handed out.
void* allocate_zeroed(size_t size) noexcept {
  void* const block = allocate(size, Form::malloc);
  if constexpr (!has(Protection::clearing)) {
    if (block != nullptr) __builtin_memset(block, 0, size);
  }
  return block;
}

void* allocate_aligned(size_t alignment, size_t size, Form form) noexcept {
  if (alignment <= granule_size) return allocate(size, form);
  if (size <= largest_guarded && alignment <= largest_small) {
    // Blocks stand at multiples of their size from an aligned slab: a class whose size is a
    // multiple of the alignment will do.
    for (unsigned c = class_of(size + 1); c < class_count; ++c) {
      if (size_of_class(c) % alignment != 0) continue;
      if (size_of_class(c) - size > largest_slack) break;
      return allocate_small(c, size, form);
    }
  }
  return allocate_large(size, alignment, form);
}

// Who keeps the block at the pointer.
struct Keeper {
  Slot* slot = nullptr;
  LargeBlock* large = nullptr;

  explicit Keeper(void* pointer) noexcept : slot(slot_supply.find(Address(pointer))) {
    if (slot == nullptr) {
      large = find_mapping(Address(pointer));
    } else if (slot->kind() == SlotKind::checked_large) {
      large = large_of(slot);
    }
  }
  [[nodiscard]] bool is_small() const noexcept {
    return slot != nullptr && slot->kind() == SlotKind::checked_slab;
  }
  // The default heap, before the mode began.
  [[nodiscard]] bool is_default(void* pointer) const noexcept {
    if (slot == nullptr) return heap::huge_size(pointer) != 0;
    return slot->kind() == SlotKind::slab || slot->kind() == SlotKind::large ||
           slot->kind() == SlotKind::zero_sized;
  }
};

void* reallocate(void* pointer, size_t size) noexcept {
  const Keeper keeper(pointer);
  if (keeper.is_small()) {
    return check_small(keeper.slot, pointer) ? reallocate_small(keeper.slot, pointer, size)
                                             : nullptr;
  }
  if (keeper.large != nullptr) return reallocate_large(keeper.large, pointer, size);
  if (keeper.is_default(pointer)) return heap::reallocate_default(pointer, size);
  report_no_block(keeper.slot, pointer, false);
  return nullptr;
}

size_t usable_size(void* pointer) noexcept {
  const Keeper keeper(pointer);
  if (keeper.is_small()) {
    return check_small(keeper.slot, pointer) ? size_of_small(keeper.slot, pointer) : 0;
  }
  if (keeper.large != nullptr) return size_of_large(keeper.large, pointer);
  if (keeper.is_default(pointer)) return heap::usable_size_default(pointer);
  report_no_block(keeper.slot, pointer, false);
  return 0;
}

size_t trim(size_t keep) noexcept {
  if (ThreadState* const state = seen_thread_state(); state != nullptr) flush_all(*state);
  size_t given = purge_waiting();
  for (Pool& pool : pools) given += pool.purge_all();
  given += trim_large();
  return given + slot_supply.purge(keep);
}

void collect(heap::Statistics& all) noexcept {
  heap::collect_default(all);
  for (unsigned c = 1; c < class_count; ++c) {
    heap::ClassStatistics& entry = all.classes[c];
    pools[c].for_each([&](Slab& slab) {
      size_t live = 0;
      for (unsigned i = 0; i < slab.window; ++i) live += slab.records()[i].is_live() ? 1 : 0;
      const size_t resident = slab.purge == Slab::Purge::done ? 0 : slab.window * shapes[c].size;
      ++entry.slabs;
      entry.live += live;
      entry.free += slab.window - live;
      entry.resident += resident;
      all.small_live_bytes += live * shapes[c].size;
      all.small_free_bytes += resident - (resident != 0 ? live * shapes[c].size : 0);
    });
  }
  const LargeUsage large = large_usage();
  all.large_blocks += large.blocks;
  all.large_bytes += large.bytes;
  all.huge_blocks += large.mappings;
  all.huge_bytes += large.mapped_bytes;
  all.committed_bytes += large.mapped_bytes;
  all.reserved_bytes += large.mapped_bytes;
  all.metadata_bytes += memory_bytes();
}

void lock_all() noexcept {
  lock_threads();
  for (Pool& pool : pools) pool.lock().lock();
  large_lock().lock();
  purge_lock().lock();
  memory_lock().lock();
}
void unlock_all() noexcept {
  memory_lock().unlock();
  purge_lock().unlock();
  large_lock().unlock();
  for (unsigned c = class_count; c-- != 0;) pools[c].lock().unlock();
  unlock_threads();
}
void renew() noexcept {
  unlock_all();
  renew_threads();
}

}  // namespace

void free_other(void* pointer, Form form, size_t size) noexcept {
  const Keeper keeper(pointer);
  if (keeper.large != nullptr) return free_large(keeper.large, pointer, form, size);
  if (keeper.is_small()) return free_in_annex(keeper.slot, pointer, form, size);
  if (keeper.is_default(pointer)) return heap::free_default(pointer);
  report_no_block(keeper.slot, pointer, true);
}

const heap::ModeCalls hardened_calls = {
    .allocate = allocate,
    .allocate_zeroed = allocate_zeroed,
    .allocate_aligned = allocate_aligned,
    .free = free,
    .reallocate = reallocate,
    .usable_size = usable_size,
    .trim = trim,
    .collect = collect,
    .finish_thread = finish_thread,
    .verify_at_exit = verify_at_exit,
    .before_fork = lock_all,
    .after_fork_in_parent = unlock_all,
    .after_fork_in_child = renew,
};

void prepare() noexcept {
  range_settings.commit_ahead = false;
  prepare_shapes();
  Random random;
  draw_secrets(random);
  // No byte of it is text, zero or all ones: overflows by one such byte, the commonest, are found
  // for certain.
  for (unsigned i = 0; i < Canary::bytes; ++i) {
    canary.secret = canary.secret << 8 | (0x80 + random.below(0x7f));
  }
}

}  // namespace strata::harden
