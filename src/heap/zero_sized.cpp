// Blocks of no bytes: malloc(0) gives an address of its own, but no memory. Their slots cannot be
// touched where the platform can say so, so that reading or writing such a block is a fault at
// once.
//
//   slot     | address | address | address | ...     one for each granule: 4096 of them
//   record   | bit     | bit     | bit     | ...     1: live; in memory of our own
//
// Size 0 has no class (class_of(0) is 0), so every such call misses into the slow path and comes
// here. Thread-safe: one lock, held over the system calls that open a slot; some 50 instructions.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

struct ZeroSlot {
  Slot* slot = nullptr;
  unsigned live = 0;
  ZeroSlot* next = nullptr;
  ZeroSlot* previous = nullptr;
  std::uint64_t bits[granules_per_slot / 64] = {};
};

struct ZeroSized {
  Machine::Lock lock;
  List<ZeroSlot> slots;  // those with room come first
  MetadataPool<ZeroSlot> records;
};
constinit ZeroSized zero_sized;

template <class M = Machine>
void close(Address address) noexcept {
  if constexpr (requires { M::protect(address, slot_size); }) {
    M::purge(address, slot_size);
    M::protect(address, slot_size);  // where it is refused the block is just not there to be used
  }
}

ZeroSlot* open_slot() noexcept {
  ZeroSlot* const record = zero_sized.records.take();
  if (record == nullptr) return nullptr;
  Slot* const slot = slot_supply.take(1);
  if (slot == nullptr) {
    zero_sized.records.give(record);
    return nullptr;
  }
  close(address_of(slot));
  record->slot = slot;
  slot->shape = 0;
  slot->set_owner(0);
  slot->checked = record;
  slot->inverse = 0;
  slot->twice_class = no_class;
  slot->written = 0;
  slot->set_kind(SlotKind::zero_sized);
  zero_sized.slots.push_front(record);
  return record;
}

// Its last block is gone, and there are others.
void close_slot(ZeroSlot* record) noexcept {
  Slot* const slot = record->slot;
  if (!Machine::commit(address_of(slot), slot_size)) return;  // stays, for the next ones
  zero_sized.slots.remove(record);
  zero_sized.records.give(record);
  slot->set_kind(SlotKind::none);
  slot->remote.store(0, Order::relaxed);
  slot_supply.give(slot, 1);
}

struct Bit {
  std::uint64_t* word;
  std::uint64_t mask;
};
Bit bit_of(ZeroSlot* record, Address offset) noexcept {
  const Address granule = offset >> granule_shift;
  return {record->bits + granule / 64, std::uint64_t{1} << granule % 64};
}
ZeroSlot* record_of(const Slot* slot) noexcept { return static_cast<ZeroSlot*>(slot->checked); }

}  // namespace

void* allocate_zero_sized() noexcept {
  LockGuard guard(zero_sized.lock);
  ZeroSlot* record = zero_sized.slots.first();
  if (record == nullptr || record->live == granules_per_slot) record = open_slot();
  if (record == nullptr) return nullptr;
  unsigned word = 0;
  while (record->bits[word] == ~std::uint64_t{0}) ++word;
  const unsigned bit = lowest_bit(~record->bits[word]);
  record->bits[word] |= std::uint64_t{1} << bit;
  if (++record->live == granules_per_slot) {
    zero_sized.slots.remove(record);
    zero_sized.slots.push_back(record);
  }
  const Address offset = (word * 64UL + bit) << granule_shift;
  return reinterpret_cast<void*>(address_of(record->slot) + offset);
}

bool is_zero_sized(Slot* slot, const void* pointer) noexcept {
  if constexpr (!Machine::parts_zero_sized) return false;
  const Address offset = Address(pointer) - address_of(slot);
  LockGuard guard(zero_sized.lock);
  const Bit bit = bit_of(record_of(slot), offset);
  return offset % granule_size == 0 && (*bit.word & bit.mask) != 0;
}

void free_zero_sized(Slot* slot, void* pointer) noexcept {
  const Address offset = Address(pointer) - address_of(slot);
  bool live = false;
  {
    LockGuard guard(zero_sized.lock);
    ZeroSlot* const record = record_of(slot);
    const Bit bit = bit_of(record, offset);
    live = offset % granule_size == 0 && (*bit.word & bit.mask) != 0;
    if (live) {
      *bit.word &= ~bit.mask;
      if (record->live-- == granules_per_slot) {
        zero_sized.slots.remove(record);
        zero_sized.slots.push_front(record);
      }
      if (record->live == 0 && zero_sized.slots.first() != zero_sized.slots.last()) {
        close_slot(record);
      }
    }
  }
  if (live) return;
  report(offset % granule_size == 0 ? Misuse::double_free : Misuse::invalid_free, pointer);
}

void for_each_zero_sized_record_chunk(ChunkVisitor visit, void* context) noexcept {
  LockGuard guard(zero_sized.lock);
  zero_sized.records.for_each_chunk(
      [&](Address chunk, size_t bytes) { visit(context, chunk, bytes); });
}

Machine::Lock& zero_sized_lock() noexcept { return zero_sized.lock; }

}  // namespace strata::heap
