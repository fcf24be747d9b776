// The reports of hardened mode. See misuse.hpp.
#include "harden/misuse.hpp"

#include "harden/large.hpp"
#include "harden/slab.hpp"
#include "harden/thread.hpp"
#include "heap/report.hpp"

namespace strata::harden {
namespace {

constexpr const char* taken_by[] = {"malloc", "operator new", "operator new[]"};
constexpr const char* given_to[] = {"free", "operator delete", "operator delete[]"};

void describe_freed(Line& line, size_t size, std::uint32_t thread) noexcept {
  line.number(size).text("-byte block, freed before");
  if (thread != 0) line.text(" by thread ").number(thread);
}

void describe_inside(Line& line, Address address, Address block, size_t size) noexcept {
  line.text("not a block: ").number(address - block);
  line.text(" bytes inside a ").number(size).text("-byte block at ").hex(block);
}

// In a slab. True: the block was live once and is freed.
bool describe_small(Line& line, Slot* slot, Address address) noexcept {
  Slab* const slab = slab_of(slot);
  const size_t size = shapes[slab->size_class].size;
  const size_t index = (address - slab->address) / size;
  const Address block = slab->address + index * size;
  if (index >= slab->capacity) {
    line.text("not a block: behind the last ").number(size).text("-byte block of its slab");
    return false;
  }
  const Record record = slab->records()[index];
  if (record.is_live()) {
    describe_inside(line, address, block, size - record.slack());
    return false;
  }
  if (address != block) {
    line.text("not a block: ").number(address - block).text(" bytes inside a free ");
    line.number(size).text("-byte block at ").hex(block);
    return false;
  }
  if (index >= slab->window) {
    line.text("a ").number(size).text("-byte block that was never handed out");
    return false;
  }
  describe_freed(line, size, thread_of(record.freed_by()));
  return true;
}

bool describe_large(Line& line, const LargeBlock& block, Address address) noexcept {
  if (block.state != LargeBlock::State::live && address == block.address) {
    describe_freed(line, block.size, block.freed_by);
    return true;
  }
  if (address - block.address >= block.accessible) {
    line.text("not a block: a guard page of the ").number(block.size).text("-byte block at ");
    line.hex(block.address);
    return false;
  }
  describe_inside(line, address, block.address, block.size);
  return false;
}

}  // namespace

void report_no_block(Slot* slot, const void* pointer, bool frees) noexcept {
  const auto address = Address(pointer);
  Line what;
  bool freed = false;
  LargeBlock large;
  if (slot != nullptr && slot->kind() == SlotKind::checked_slab) {
    freed = describe_small(what, slot, address);
  } else if (describe_around(address, large)) {
    freed = describe_large(what, large, address);
  } else if (slot != nullptr) {
    what.text("memory that is free");
  } else {
    heap::describe_foreign(what, address);
  }
  Line line;
  line.text("strata: error: ");
  line.text(!frees ? "invalid pointer " : freed ? "double free of " : "invalid free of ");
  heap::deliver(line.hex(address).text(" (").text(what.c_str()).text(")\n"), pointer);
}

void report_family(const void* block, size_t size, Form asked, Form freed) noexcept {
  Line line;
  line.text("strata: error: mismatched free of ").hex(Address(block)).text(" (");
  line.number(size).text("-byte block of ").text(taken_by[unsigned(asked)]);
  line.text(", given to ").text(given_to[unsigned(freed)]).text(")\n");
  heap::deliver(line, block);
}

void report_size(const void* block, size_t size, size_t said) noexcept {
  Line line;
  line.text("strata: error: wrong size for ").hex(Address(block)).text(" (");
  line.number(size).text("-byte block, freed as ").number(said).text(" bytes)\n");
  heap::deliver(line, block);
}

void report_overflow(const void* block, size_t size, const char* when) noexcept {
  Line line;
  line.text("strata: error: overflow of ").hex(Address(block)).text(" (");
  line.number(size).text("-byte block, bytes behind its end have changed; found by ");
  heap::deliver(line.text(when).text(")\n"), block);
}

void report_write_after_free(const void* block, size_t size, std::uint32_t thread,
                             const char* when) noexcept {
  const auto* const bytes = static_cast<const unsigned char*>(block);
  size_t changed = 0;
  while (changed + 1 < size && bytes[changed] == 0) ++changed;
  Line line;
  line.text("strata: error: write after free to ").hex(Address(block) + changed).text(" (byte ");
  line.number(changed).text(" of the ");
  describe_freed(line, size, thread);
  heap::deliver(line.text("; found by ").text(when).text(")\n"), block);
}

}  // namespace strata::harden
