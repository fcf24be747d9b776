// A slab's way between owners, the pool and the supply of slots. The protocol is in sharing.hpp.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Resident bytes of empty active slabs that all threads together may keep, and the least a thread
// may: with few threads nothing is given back too early, with many an idle one holds little.
constexpr size_t retained_total = 1 * MiB;
constexpr size_t retained_least = 32 * KiB;

size_t retained_budget() noexcept {
  const unsigned threads = state.threads.load(Order::relaxed);
  const size_t share = retained_total / (threads == 0 ? 1 : threads);
  return share < retained_least ? retained_least : share;
}

// The oldest retained slab: given back when it is still empty, an ordinary active one otherwise.
void evict_oldest(ThreadHeap& heap) noexcept {
  Slot* const slot = heap.retained[0];
  forget_retained(heap, slot);
  if (slot->count != 0) return;
  heap.cache->clear(slab::class_of(slot));
  release_slab(slot);
}

}  // namespace

Address address_of(const Slot* slot) noexcept { return slot_supply.address_of(slot); }

void forget_retained(ThreadHeap& heap, Slot* slot) noexcept {
  unsigned i = 0;
  while (heap.retained[i] != slot) ++i;
  for (--heap.retained_count; i < heap.retained_count; ++i) heap.retained[i] = heap.retained[i + 1];
  slot->bias = 0;
  --slot->count;
}

void retain(ThreadHeap& heap, Slot* slot) noexcept {
  if (heap.retained_count == most_retained) evict_oldest(heap);
  heap.retained[heap.retained_count++] = slot;
  slot->bias = 1;
  ++slot->count;
  const size_t budget = retained_budget();
  size_t bytes = 0;
  for (unsigned i = 0; i < heap.retained_count; ++i) {
    bytes += slab::resident_bytes(heap.retained[i]);
  }
  while (bytes > budget && heap.retained_count > 1) {
    bytes -= slab::resident_bytes(heap.retained[0]);
    evict_oldest(heap);
  }
}

void release_slab(Slot* slot) noexcept {
  slot->set_owner(0);
  slot->freed = nullptr;
  slot->uncarved = 0;
  slot->kind = SlotKind::none;
  slot_supply.give(slot, 1);
}

bool let_go_full(ThreadHeap& heap, Slot* slot) noexcept {
  if (slot->bias != 0) forget_retained(heap, slot);
  return sharing::let_go_full(slot, heap.thread);
}

void let_go_partial(Slot* slot) noexcept {
  sharing::let_go_partial(slot, state.pools[slab::class_of(slot)], release_slab);
}

bool adopt(ThreadHeap& heap, Slot* slot) noexcept {
  sharing::RemoteList home;
  if (!sharing::adopt_full(slot->remote, home)) return false;
  const unsigned c = slab::class_of(slot);
  slot->count = std::uint16_t(slot->count - home.count());
  slot->freed = sharing::block_at(address_of(slot), home.head());
  slot->set_owner(heap.thread);
  heap.available[c].push_back(slot);
  ++heap.available_count[c];
  return true;
}

Slot* next_slab(ThreadHeap& heap, unsigned c, Block*& home_blocks) noexcept {
  Slot* slot = heap.available[c].pop_front();
  if (slot != nullptr) {
    --heap.available_count[c];
    return slot;
  }
  sharing::RemoteList home;
  slot = state.pools[c].take(home);
  if (slot != nullptr) {
    slot->count = std::uint16_t(slot->count - home.count());
    slot->set_owner(heap.thread);
    home_blocks = sharing::block_at(address_of(slot), home.head());
    return slot;
  }
  slot = slot_supply.take(1);
  if (slot != nullptr) slab::format(slot, c, heap.thread);
  return slot;
}

}  // namespace strata::heap
