// See blocks.hpp.
#include "harden/blocks.hpp"

#include "harden/large.hpp"
#include "harden/slab.hpp"

namespace strata::harden {
namespace {

BlockAround in_slab(Slab& slab, Address address) noexcept {
  unsigned index = unsigned((address - slab.address) / slab.size);
  if (index >= slab.window) {  // the guard page behind the last one, or never handed out
    if (index < slab.capacity || slab.window == 0) return {};
    index = slab.window - 1U;
  }
  const Record record = slab.records()[index];
  const bool live = record.is_live();
  return {slab.address + size_t{index} * slab.size, slab.size - (live ? record.slack() : 0), live};
}

BlockAround of_large(const LargeBlock& block) noexcept {
  return {block.address, block.size, block.state == LargeBlock::State::live};
}

}  // namespace

BlockAround block_around(Address address, bool mappings) noexcept {
  Slot* slot = slot_supply.find(address);
  if (slot == nullptr && !mappings) return {};
  if (slot != nullptr && slot->kind() == SlotKind::checked_slab) {
    return in_slab(*slab_of(slot), address);
  }
  if (slot != nullptr && slot->kind() != SlotKind::checked_large &&
      slot->kind() != SlotKind::none) {
    return {};
  }
  LargeBlock found;
  if (describe_around(address, found)) return of_large(found);
  // The page before a run's first is the guard in front of it.
  slot = slot_supply.find(address + Machine::page_size());
  if (slot != nullptr && slot->kind() == SlotKind::checked_large &&
      describe_around(address + Machine::page_size(), found)) {
    return of_large(found);
  }
  return {};
}

bool is_in_mapping(Address address) noexcept {
  LargeBlock found;
  return slot_supply.find(address) == nullptr && describe_around(address, found);
}

}  // namespace strata::harden
