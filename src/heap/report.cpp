// What a misused pointer is, in one line. See report.hpp.
#include "heap/report.hpp"

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

// What not every platform has: knowledge of addresses, a place for reports.
template <class M = Machine>
void describe_place(Line& line, Address address) noexcept {
  if constexpr (requires(char* name) { M::whereabouts(address, name, size_t{}); }) {
    char name[64];
    const auto place = M::whereabouts(address, name, sizeof name);
    if (place == M::Place::stack) {
      line.text("a stack address");
    } else if (place == M::Place::module) {
      line.text("a global variable of ").text(name);
    } else {
      line.text("not Strata's memory");
    }
  } else {
    const auto here = Address(&line);
    line.text(address - (here - 64 * KiB) < 8 * MiB ? "a stack address" : "not Strata's memory");
  }
}

template <class M = Machine>
void write_report(const Line& line) noexcept {
  if constexpr (requires { M::write_report("", size_t{}); }) {
    M::write_report(line.c_str(), line.length());
  } else {
    M::fail(line.c_str());
  }
}

void describe_inside(Line& line, Address address, Address block, size_t size) noexcept {
  line.text("not a block: ").number(address - block).text(" bytes inside a ");
  line.number(size).text("-byte block at ").hex(block);
}

void describe_slab(Line& line, Slot* slot, Address pointer) noexcept {
  const size_t size = slab::block_size(slot);
  const Address slab = address_of(slot);
  const size_t inside = (pointer - slab) % size;
  if (pointer - slab >= size * slot->slot_capacity()) {
    line.text("not a block: behind the last ").number(size).text("-byte block of its slab");
    return;
  }
  if (inside == 0) {
    line.number(size).text("-byte block, freed before");
    const ThreadHeap* const by = waits_with(slot, reinterpret_cast<const void*>(pointer));
    if (by != nullptr && by->number != 0) line.text(" by thread ").number(by->number);
    return;
  }
  describe_inside(line, pointer, pointer - inside, size);
}

// A block that began at a slot nobody uses now.
bool was_large(Slot* slot, const Slot* run, Address address) noexcept {
  return run->kind() == SlotKind::free_first && address == address_of(slot) &&
         slot->remote.load(Order::relaxed) != 0;
}

void describe_strip(Line& line, Slot* slot, Address pointer) noexcept {
  const strip::Found block = strip::find(slot, pointer - address_of(slot));
  if (block.bytes == 0) {
    line.text("not a block: nothing was allocated there");
  } else if (pointer == address_of(slot) + block.offset) {
    line.number(block.bytes).text("-byte block, freed before");
  } else {
    describe_inside(line, pointer, address_of(slot) + block.offset, block.bytes);
  }
}

}  // namespace

void describe_foreign(Line& line, Address address) noexcept { describe_place(line, address); }

void say(const Line& line) noexcept { write_report(line); }

void end_report() noexcept {
  if (!report_settings.go_on) Machine::fail("");
}

void deliver(const Line& line, const void* about) noexcept {
  if (report_settings.details == nullptr && !report_settings.go_on) Machine::fail(line.c_str());
  write_report(line);
  if (report_settings.details != nullptr) report_settings.details(line, about);
  end_report();
}

void report(Misuse misuse, const void* pointer) noexcept {
  const auto address = Address(pointer);
  if constexpr (!Machine::tells_in_words) {
    return Machine::misused(misuse == Misuse::double_free    ? Problem::block_freed_twice
                            : misuse == Misuse::invalid_free ? Problem::block_not_ours
                                                             : Problem::block_invalid,
                            address);
  }
  Line what;
  Slot* const slot = slot_supply.find(address);
  Slot* run = slot;
  if (slot != nullptr && slot->kind() == SlotKind::none) {
    if (Slot* const found = run_around(slot); found != nullptr) run = found;
  }
  if (slot == nullptr) {
    Address begin = 0;
    if (const size_t bytes = huge_around(address, begin); bytes != 0) {
      describe_inside(what, address, begin, bytes);
    } else if (const size_t freed = freed_huge_size(pointer); freed != 0) {
      if (misuse == Misuse::invalid_free) misuse = Misuse::double_free;
      what.number(freed).text("-byte block, freed before");
    } else {
      describe_foreign(what, address);
    }
  } else if (run->kind() == SlotKind::slab || run->kind() == SlotKind::sampled) {
    describe_slab(what, run, address);
  } else if (run->kind() == SlotKind::strip) {
    describe_strip(what, run, address);
  } else if (run->kind() == SlotKind::large) {
    describe_inside(what, address, address_of(run), run->size);
  } else if (run->kind() == SlotKind::lent) {
    what.text("memory of a region, not of the heap");
  } else if (run->kind() == SlotKind::zero_sized) {
    what.text(misuse == Misuse::invalid_free ? "not a block: inside a 0-byte block"
                                             : "0-byte block, freed before");
  } else if (was_large(slot, run, address)) {
    if (misuse == Misuse::invalid_free) misuse = Misuse::double_free;
    what.number(slot->remote.load(Order::relaxed)).text("-byte block, freed before");
  } else {
    what.text("memory that is free");
  }
  Line line;
  constexpr const char* names[] = {"double free of ", "invalid free of ", "invalid pointer ",
                                   "write after free to "};
  line.text("strata: error: ").text(names[unsigned(misuse)]);
  line.hex(address).text(" (").text(what.c_str());
  if (misuse == Misuse::write_after_free) line.text("; found by exit");
  deliver(line.text(")\n"), pointer);
}

}  // namespace strata::heap
