// Runs and mappings of large blocks. See large_place.hpp.
#include "harden/large_place.hpp"

#include "base/lock_guard.hpp"
#include "harden/guards.hpp"
#include "harden/memory.hpp"
#include "heap/state.hpp"

namespace strata::harden {
namespace {

constexpr unsigned buckets = 64;

struct Places {
  Machine::Lock lock;
  LargeBlock* table[buckets] = {};  // mappings by address, live and waiting
  LargeBlock* records = nullptr;    // all there ever were, linked by `older`
  LargeBlock* unused = nullptr;     // those without a block, linked by `next`
};
constinit Places places;

unsigned bucket_of(Address address) noexcept {
  return unsigned(address >> 12 ^ address >> 21 ^ address >> 30) % buckets;
}

LargeBlock* take_record() noexcept {
  {
    LockGuard guard(places.lock);
    if (LargeBlock* const block = places.unused; block != nullptr) {
      places.unused = block->next;
      LargeBlock* const older = block->older;
      *block = {};
      block->older = older;
      return block;
    }
  }
  auto* const block = static_cast<LargeBlock*>(take_memory(sizeof(LargeBlock)));
  if (block == nullptr) return nullptr;
  LockGuard guard(places.lock);
  *block = {};
  block->older = places.records;
  places.records = block;
  return block;
}
void give_record(LargeBlock* block) noexcept {
  LockGuard guard(places.lock);
  block->state = LargeBlock::State::none;
  block->next = places.unused;
  places.unused = block;
}

// What an earlier use left behind goes back to the system.
void make_zero(Slot* slot, Address address, size_t slots) noexcept {
  bool written = false;
  for (size_t i = 0; i < slots; ++i) {
    written |= slot[i].written != 0;
    slot[i].written = 0;
  }
  if (written && !Machine::purge(address, slots * slot_size)) {
    __builtin_memset(reinterpret_cast<void*>(address), 0, slots * slot_size);
  }
}

Address lead_guard(const LargeBlock* block) noexcept {
  return block->address - Machine::page_size();
}
Address end_guard(const LargeBlock* block) noexcept { return block->address + block->accessible; }

}  // namespace

LargeBlock* open_run(size_t accessible, size_t alignment) noexcept {
  const bool scarce = slot_supply.addresses_are_scarce();
  const size_t capacity = scarce ? accessible : capacity_for(accessible);
  const size_t page = Machine::page_size();
  const size_t alignment_slots = alignment <= slot_size ? 1 : alignment / slot_size;
  const size_t lead = scarce ? 0 : alignment_slots;
  const size_t data = divide_up(scarce ? capacity : capacity + page, slot_size);
  LargeBlock* const block = take_record();
  if (block == nullptr) return nullptr;
  Slot* const run = slot_supply.take(lead + data, alignment_slots);
  if (run == nullptr) {
    give_record(block);
    return nullptr;
  }
  Slot* const first = run + lead;
  block->address = slot_supply.address_of(first);
  block->accessible = accessible;
  block->run = run;
  block->slots = std::uint32_t(lead + data);
  block->lead = std::uint32_t(lead);
  make_zero(first, block->address, data);
  if (scarce) {
    warn_once(Shrinks::class_addresses);
  } else {
    block->guarded_before = install_guard(lead_guard(block), page);
    block->guarded_behind = install_guard(end_guard(block), page);
  }
  run->length = block->slots;
  first->shape = 0;
  first->set_owner(0);
  first->checked = block;
  first->inverse = 0;
  first->twice_class = no_class;
  first->set_kind(SlotKind::checked_large);
  return block;
}

bool move_end(LargeBlock* block, size_t accessible) noexcept {
  if (accessible == block->accessible) return true;
  const size_t page = Machine::page_size();
  if (block->guarded_behind && !remove_guard(end_guard(block), page)) return false;
  block->accessible = accessible;
  block->guarded_behind = install_guard(end_guard(block), page);
  return true;
}

void close_run(LargeBlock* block) noexcept {
  bool opened = true;
  if (block->guarded_before) opened &= remove_guard(lead_guard(block), Machine::page_size());
  if (block->guarded_behind) opened &= remove_guard(end_guard(block), Machine::page_size());
  if (block->closed) opened &= remove_guard(block->address, block->accessible);
  if (block->shut) opened &= reopen_pages(block->address, block->accessible);
  Slot* const first = block->run + block->lead;
  first->set_kind(SlotKind::none);
  first->checked = nullptr;
  for (size_t i = 0; i < block->slots - block->lead; ++i) {
    first[i].written = block->touched != 0 ? all_units : Units{0};
  }
  // Where a guard stays, because mappings ran out, nobody else may have the slots.
  if (opened) slot_supply.give(block->run, block->slots);
  give_record(block);
}

LargeBlock* open_mapping(size_t size, size_t alignment) noexcept {
  const size_t page = Machine::page_size();
  const size_t accessible = align_up(size == 0 ? 1 : size, page);
  const size_t lead = alignment < page ? page : alignment;
  if (accessible > size_t(PTRDIFF_MAX) - 2 * lead - page) return nullptr;
  LargeBlock* const block = take_record();
  if (block == nullptr) return nullptr;
  const size_t bytes = lead + accessible + page;
  Address mapped = Machine::reserve(bytes, lead);
  if (mapped == 0 && slot_supply.give_back_unused()) mapped = Machine::reserve(bytes, lead);
  if (mapped != 0 && !Machine::commit(mapped + lead, accessible)) {
    Machine::release(mapped, bytes);
    mapped = 0;
  }
  if (mapped == 0) {
    give_record(block);
    return nullptr;
  }
  block->address = mapped + lead;
  block->accessible = accessible;
  block->mapped = mapped;
  block->mapped_bytes = bytes;
  block->guarded_before = block->guarded_behind = true;
  LockGuard guard(places.lock);
  LargeBlock*& head = places.table[bucket_of(block->address)];
  block->next = head;
  head = block;
  return block;
}

void close_mapping(LargeBlock* block) noexcept {
  {
    LockGuard guard(places.lock);
    LargeBlock** link = &places.table[bucket_of(block->address)];
    while (*link != block) link = &(*link)->next;
    *link = block->next;
  }
  Machine::release(block->mapped, block->mapped_bytes);
  give_record(block);
}

LargeBlock* find_mapping(Address address) noexcept {
  LockGuard guard(places.lock);
  LargeBlock* block = places.table[bucket_of(address)];
  while (block != nullptr && block->address != address) block = block->next;
  return block;
}

LargeBlock* newest_large() noexcept {
  LockGuard guard(places.lock);
  return places.records;
}

bool describe_around(Address address, LargeBlock& found) noexcept {
  if (Slot* slot = slot_supply.find(address); slot != nullptr) {
    for (unsigned i = 0; i < largest_run / slot_size + 32; ++i, --slot) {
      if (slot_supply.find(slot_supply.address_of(slot)) != slot) return false;
      if (slot->kind() == SlotKind::none) continue;
      if (slot->kind() != SlotKind::checked_large) return false;
      found = *large_of(slot);
      return address - found.address < (found.slots - found.lead) * slot_size;
    }
    return false;
  }
  LockGuard guard(places.lock);
  for (const LargeBlock* block : places.table) {
    for (; block != nullptr; block = block->next) {
      if (address - block->mapped < block->mapped_bytes) {
        found = *block;
        return true;
      }
    }
  }
  return false;
}

Machine::Lock& large_lock() noexcept { return places.lock; }

}  // namespace strata::harden
