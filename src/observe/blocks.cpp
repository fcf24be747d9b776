// Single blocks of slabs: which of them are free. See survey.hpp.
//
// A free block bears a mark that is made of its own address, so that each can be asked by itself:
// no list is walked, and what threads keep ready or carry home is seen as free, too. A live block
// that holds these very 8 bytes would be taken for free.
//
// The supply's lock keeps slabs what they are for the time of the walk: 256 slots at most, whose
// memory is read once.
#include "heap/slab.hpp"
#include "heap/state.hpp"
#include "observe/survey.hpp"
#include "platform/linux/shared_file.hpp"

namespace strata::observe {
namespace {

STRATA_OVERTAKEN std::uintptr_t mark_of(Address block) noexcept {
  return static_cast<const volatile Block*>(reinterpret_cast<const void*>(block))->mark;
}

// A program may protect pages that lie within one block: these are left to the kernel to read.
bool may_be_protected(Address block, size_t size) noexcept {
  return size >= carve_unit && block % carve_unit == 0;
}

bool is_free(Address block, size_t size) noexcept {
  const auto* const at = reinterpret_cast<const void*>(block);
  if (may_be_protected(block, size)) {
    const Address mark = block + __builtin_offsetof(Block, mark);
    return word_is(mark, std::uint32_t(mark_freed(at))) ||
           word_is(mark, std::uint32_t(mark_zero(at)));
  }
  const std::uintptr_t mark = mark_of(block);
  return mark == mark_freed(at) || mark == mark_zero(at);
}

STRATA_OVERTAKEN unsigned class_seen(const Slot* slot) noexcept {
  return *static_cast<const volatile std::uint8_t*>(&slot->twice_class) / 2U;
}

void show(Sheet& sheet, const Slot* slot, Address address) noexcept {
  const unsigned c = class_seen(slot);
  if (c == 0 || c >= class_count) return;
  const size_t size = size_of_class(c);
  SlotBlocks blocks = {};
  blocks.address = address;
  for (unsigned i = 0; i < slot_size / size; ++i) {
    const size_t offset = i * size;
    if (slab::reaches_uncarved(slot, offset) || is_free(address + offset, size)) {
      blocks.free[i / 64] |= std::uint64_t{1} << i % 64;
    }
  }
  sheet.put(blocks);
}

}  // namespace

void show_blocks(Sheet& sheet, Address from, Address to) noexcept {
  LockGuard guard(slot_supply.lock());
  unsigned left = most_slots_of_blocks;
  slot_supply.for_each_range([&](SlotRange& range) {
    if (!range.is_open()) return;
    const Address first = range.address_of(range.first_slot());
    const Slot* slot = range.first_slot();
    if (from > first)
      slot += divide_up(from - first, slot_size) < size_t(range.end_slot() - slot)
                  ? divide_up(from - first, slot_size)
                  : size_t(range.end_slot() - slot);
    for (; slot < range.end_slot() && range.address_of(slot) < to && left != 0; ++slot, --left) {
      if (slot->kind() == SlotKind::slab) show(sheet, slot, range.address_of(slot));
    }
  });
}

}  // namespace strata::observe
