// Large blocks: more than 32 KiB, a run of slots of their own, resident only as far as touched.
//
// A run's slots remember how much of each may hold old data, so that calloc clears just that, and
// that a freed run counts as dirty only where it may be.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Beyond this a block is a mapping of its own. Where addresses are scarce the limit is low: a
// mapping of its own gives them back when it is freed.
constexpr size_t largest_run = 1 * GiB;
constexpr size_t largest_run_where_scarce = 256 * KiB;
// Before there is a range nobody knows; the first run will open one.
// Notes that the first `bytes` of the run may have been written.
void note_written(Slot* run, size_t slots, size_t bytes) noexcept {
  if constexpr (!Machine::commits_lazily) return;  // said of all that is committed
  for (size_t i = 0; i < slots && bytes != 0; ++i) {
    const size_t here = bytes < slot_size ? bytes : slot_size;
    run[i].written = Units(run[i].written | first_units(divide_up(here, carve_unit)));
    bytes -= here;
  }
}

void clear_written(Slot* run, size_t size) noexcept {
  const Address address = address_of(run);
  if constexpr (!Machine::commits_lazily) {
    __builtin_memset(reinterpret_cast<void*>(address), 0, size);
    return;
  }
  for (size_t i = 0; i * slot_size < size; ++i) {
    for_each_row(run[i].written, [&](unsigned first, unsigned count) {
      const size_t offset = i * slot_size + first * carve_unit;
      if (offset >= size) return;
      const size_t bytes = count * carve_unit;
      __builtin_memset(reinterpret_cast<void*>(address + offset), 0,
                       bytes < size - offset ? bytes : size - offset);
    });
  }
}

Slot* take_run(size_t size, size_t slots, size_t alignment) noexcept {
  Slot* const run = slot_supply.take(slots, alignment <= slot_size ? 1 : alignment / slot_size);
  if (run == nullptr) return nullptr;
  run->owner = 0;
  run->size = align_up(size, carve_unit);  // all of it usable
  run->inverse = 0;
  run->bias = 0;
  run->twice_class = no_class;
  run->length = std::uint32_t(slots);
  run->set_kind(SlotKind::large);
  slot_supply.count_large(std::ptrdiff_t(slots));
  count_large_block(size);
  return run;
}

void* serve(size_t size, size_t alignment, bool zeroed) noexcept {
  const bool scarce = slot_supply.addresses_are_scarce();
  if (size <= (scarce ? largest_run_where_scarce : largest_run) &&
      alignment <= SlotRange::alignment) {
    if (Slot* run = take_run(size, divide_up(size, slot_size), alignment)) {
      if (zeroed) clear_written(run, size);
      return reinterpret_cast<void*>(address_of(run));
    }
  }
  return allocate_huge(size, alignment);
}

STRATA_NOINLINE void count_down(void* block, size_t size, size_t alignment, size_t counted,
                                bool grown) noexcept {
  ThreadHeap* const heap = thread_heap();
  if (!sample::passed(heap, counted)) return;
  if (Slot* const run = slot_supply.find(Address(block)); run != nullptr) run->bias = 1;
  sample::Allocation allocation;
  allocation.block = block;
  allocation.size = size;
  allocation.alignment = alignment;
  allocation.counted = counted;
  allocation.large = true;
  allocation.grown = grown;
  sample::show(heap, allocation);
}

}  // namespace

void* allocate_large(size_t size, size_t alignment, bool zeroed) noexcept {
  // No object may be larger than PTRDIFF_MAX, and the roundings below must not wrap.
  if (size > size_t(PTRDIFF_MAX) || alignment > size_t(PTRDIFF_MAX) / 2) return nullptr;
  if (size == 0) size = 1;
  void* const block = serve(size, alignment, zeroed);
  if (STRATA_UNLIKELY(sample::is_on()) && block != nullptr) {
    count_down(block, size, alignment, align_up(size, carve_unit), false);
  }
  return block;
}

void count_moved(void* block, size_t size) noexcept {
  if (STRATA_LIKELY(!sample::is_on())) return;
  count_down(block, size, granule_size, align_up(size, carve_unit), false);
}

void count_grown(void* block, size_t old_size, size_t size) noexcept {
  if (STRATA_LIKELY(!sample::is_on()) || size <= old_size) return;
  count_down(block, size, granule_size, size - old_size, true);
}

namespace {

// A run has got another size where it is.
void note_size(const Slot* run, void* pointer, size_t old_size) noexcept {
  if (Machine::has_modes && STRATA_UNLIKELY(run->bias != 0))
    sample::resized(pointer, old_size, run->size);
  count_grown(pointer, old_size, run->size);
}

}  // namespace

void free_large(Slot* run, void* pointer) noexcept {
  if (STRATA_UNLIKELY(Address(pointer) != address_of(run))) {
    return report(Misuse::invalid_free, pointer);
  }
  if (Machine::has_modes && STRATA_UNLIKELY(run->bias != 0)) sample::freed(pointer);
  const size_t slots = run->length;
  note_written(run, slots, run->size);
  run->remote.store(std::uint32_t(run->size),
                    Order::relaxed);  // for a report: free runs have no use for it
  run->set_kind(SlotKind::none);
  slot_supply.count_large(-std::ptrdiff_t(slots));
  slot_supply.give(run, slots);
}

void* reallocate_large(Slot* run, size_t size) noexcept {
  void* const pointer = reinterpret_cast<void*>(address_of(run));
  if (size > size_t(PTRDIFF_MAX)) return nullptr;
  const size_t slots = run->length;
  const size_t old_size = run->size;
  const size_t wanted = divide_up(size, slot_size);
  if (size > largest_small && wanted <= slots) {
    // Shrinks, or grows within its slots. What is beyond a new end goes back, unless it is less
    // than an eighth; a block that grows keeps its headroom.
    const bool shrinks = size < old_size;
    note_written(run, slots, old_size);
    run->size = align_up(size, carve_unit);
    note_size(run, pointer, old_size);
    if (shrinks && slots - wanted > wanted / 8) {
      run->length = std::uint32_t(wanted);
      slot_supply.count_large(-std::ptrdiff_t(slots - wanted));
      slot_supply.give(run + wanted, slots - wanted);
    }
    return pointer;
  }
  if (wanted > slots && size <= largest_run && slot_supply.extend(run, slots, wanted)) {
    slot_supply.count_large(std::ptrdiff_t(wanted - slots));
    run->length = std::uint32_t(wanted);
    run->size = align_up(size, carve_unit);
    note_size(run, pointer, old_size);
    return pointer;
  }
  // Moves. A growing block is likely to grow again: half as many addresses again, untouched, let it
  // do so in place.
  void* moved = nullptr;
  if (!built_small && wanted > slots && size <= largest_run / 2 &&
      !slot_supply.addresses_are_scarce()) {
    if (Slot* to = take_run(size, wanted + wanted / 2, 1)) {
      moved = reinterpret_cast<void*>(address_of(to));
      count_moved(moved, size);
    }
  }
  if (moved == nullptr) moved = allocate(size);
  if (moved == nullptr) return nullptr;
  __builtin_memcpy(moved, pointer, size < old_size ? size : old_size);
  free_large(run, pointer);
  return moved;
}

}  // namespace strata::heap
