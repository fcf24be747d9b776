// Reports misuse in one line that says what the pointer was, then ends the program.
#include "base/print.hpp"
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// The run a slot without a kind of its own belongs to: the nearest one before it that reaches it.
Slot* run_around(Slot* slot) noexcept {
  Slot* first = slot;
  for (unsigned i = 0; i < 1U << 16 && first->kind() == SlotKind::none; ++i) {
    --first;
    if (slot_supply.find(address_of(first)) != first) return nullptr;
  }
  if (first == slot) return first;
  // A slab's slots say themselves what they are.
  const bool reaches = first->kind() != SlotKind::slab && first + first->length > slot;
  return reaches ? first : nullptr;
}

void describe_slab(Line& line, Slot* slot, Address pointer, Misuse misuse) noexcept {
  const size_t size = slab::block_size(slot);
  const Address slab = address_of(slot);
  const size_t inside = (pointer - slab) % size;
  if (pointer - slab >= size * slot->slot_capacity()) {
    line.text("not a block: behind the last ").number(size).text("-byte block of its slab");
    return;
  }
  if (misuse == Misuse::double_free || inside == 0) {
    line.number(size).text("-byte block");
    if (misuse != Misuse::double_free) line.text(", freed before");
    return;
  }
  line.text("not a block: ").number(inside).text(" bytes inside a ");
  line.number(size).text("-byte block at ").hex(pointer - inside);
}

}  // namespace

void report(Misuse misuse, const void* pointer) noexcept {
  const auto address = Address(pointer);
  Line line;
  Slot* slot = slot_supply.find(address);
  if (slot != nullptr && slot->kind() == SlotKind::none) {
    if (Slot* run = run_around(slot); run != nullptr) slot = run;
  }
  const bool freed_run =
      slot != nullptr && address == address_of(slot) && slot->kind() == SlotKind::free_first;
  line.text("strata: error: ");
  if (misuse == Misuse::double_free || (misuse == Misuse::invalid_free && freed_run)) {
    line.text("double free of ");
  } else {
    line.text(misuse == Misuse::invalid_free ? "invalid free of " : "invalid pointer ");
  }
  line.hex(address).text(" (");
  if (slot == nullptr) {
    const auto here = Address(&line);
    const bool stack = address - (here - 64 * KiB) < 8 * MiB;
    line.text(stack ? "a stack address" : "not Strata's memory");
  } else if (slot->kind() == SlotKind::slab) {
    describe_slab(line, slot, address, misuse);
  } else if (slot->kind() == SlotKind::large) {
    line.text("not a block: ").number(address - address_of(slot)).text(" bytes inside a ");
    line.number(slot->size).text("-byte block at ").hex(address_of(slot));
  } else {
    line.text("memory that is free");
  }
  line.text(")\n");
  Machine::fail(line.c_str());
}

}  // namespace strata::heap
