// SlotSource: the ranges storey of this process as a region's source of memory (next to mmap).
//
// A span of the region is a run of slots, lent: in use, but no block of the heap's, so that freeing
// a pointer into it by the heap's free() is reported as the mistake it is. Compared with mmap, a
// span that comes and goes costs no system call: what goes is reused first, and purged with
// everything else that waits.
//
// Thread-safe, as the supply is. Cost: one walk over the run's slots.
#pragma once

#include "base/bits.hpp"
#include "base/source_memory.hpp"
#include "ranges/slot_supply.hpp"

namespace strata {

struct SlotSource {
  static constexpr bool grows = true;

  // Whole slots; null when memory is refused.
  static SourceMemory take(size_t least) noexcept {
    if (least == 0 || least > size_t(PTRDIFF_MAX)) return {};
    const size_t slots = divide_up(least, slot_size);
    Slot* const run = slot_supply.take(slots);
    if (run == nullptr) return {};
    run->owner = 0;
    run->size = slots * slot_size;
    run->inverse = 0;
    run->twice_class = no_class;
    run->length = std::uint32_t(slots);
    run->remote.store(0, Order::relaxed);
    run->set_kind(SlotKind::lent);
    return {reinterpret_cast<void*>(slot_supply.address_of(run)), slots * slot_size};
  }
  // Exactly what take() returned; anything else is left alone, and false.
  static bool give(void* memory, size_t bytes) noexcept {
    Slot* const run = slot_supply.find(Address(memory));
    if (run == nullptr || run->kind() != SlotKind::lent || run->size != bytes ||
        slot_supply.address_of(run) != Address(memory)) {
      return false;
    }
    const size_t slots = run->length;
    // Nobody knows which of its pages were touched.
    for (size_t i = 0; i < slots; ++i) run[i].written = all_units;
    run->set_kind(SlotKind::none);
    slot_supply.give(run, slots);
    return true;
  }
};

}  // namespace strata
