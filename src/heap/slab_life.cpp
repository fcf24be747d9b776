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

// The oldest retained slab: given back when it is empty now, an ordinary active one otherwise.
void evict_oldest(ThreadHeap& heap) noexcept {
  Slot* const slot = heap.retained[0];
  const unsigned c = slab::class_of(slot);
  forget_retained(heap, slot);
  settle(*heap.cache, heap, c);
  if (slot->live() != 0) return;
  heap.cache->set_head(c, nullptr);
  heap.active[c] = nullptr;
  release_slab(slot);
}

}  // namespace

void put_back(Slot* slot, Block* list) noexcept {
  if (list == nullptr) return;
  Block* last = list;
  while (last->next != nullptr) last = last->next;
  last->next = slot->freed;
  slot->freed = list;
}

Address address_of(const Slot* slot) noexcept { return slot_supply.address_of(slot); }

void forget_retained(ThreadHeap& heap, Slot* slot) noexcept {
  unsigned i = 0;
  while (i < heap.retained_count && heap.retained[i] != slot) ++i;
  if (i == heap.retained_count) return;
  for (--heap.retained_count; i < heap.retained_count; ++i) heap.retained[i] = heap.retained[i + 1];
}

void retain(ThreadHeap& heap, Slot* slot) noexcept {
  for (unsigned i = 0; i < heap.retained_count; ++i) {
    if (heap.retained[i] == slot) return;
  }
  if (heap.retained_count == most_retained) evict_oldest(heap);
  heap.retained[heap.retained_count++] = slot;
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
  slot->set_kind(SlotKind::none);
  slot_supply.give(slot, 1);
}

bool let_go_full(ThreadHeap& heap, Slot* slot) noexcept {
  forget_retained(heap, slot);
  slot->count = slot->live();
  slot->bias = 0;
  return sharing::let_go_full(slot, heap.thread);
}

void let_go_partial(Slot* slot) noexcept {
  slot->count = slot->live();
  slot->bias = 0;
  sharing::let_go_partial(slot, state.pools[slab::class_of(slot)], release_slab);
}

namespace {

// Whether an available slab has met its first threshold: little of it is live.
bool is_sparse(const Slot* slot) noexcept {
  const auto threshold = std::uint16_t(-slot->bias);
  return threshold < sharing::first_threshold(slot->capacity);
}

void set_threshold(ThreadHeap& heap, Slot* slot) noexcept {
  const std::uint16_t live = slot->live();
  const std::uint16_t threshold = sharing::next_threshold(slot->capacity, live);
  slot->count = std::uint16_t(live - threshold);
  slot->bias = std::uint16_t(-threshold);
  if (is_sparse(slot)) ++heap.sparse_count[slab::class_of(slot)];
}

void forget_threshold(ThreadHeap& heap, Slot* slot) noexcept {
  if (is_sparse(slot)) --heap.sparse_count[slab::class_of(slot)];
  slot->count = slot->live();
  slot->bias = 0;
}

}  // namespace

void watch(ThreadHeap& heap, Slot* slot) noexcept {
  forget_threshold(heap, slot);
  set_threshold(heap, slot);
}

void join_available(ThreadHeap& heap, Slot* slot) noexcept {
  const unsigned c = slab::class_of(slot);
  set_threshold(heap, slot);
  heap.available[c].push_back(slot);
  ++heap.available_count[c];
}

void leave_available(ThreadHeap& heap, Slot* slot) noexcept {
  const unsigned c = slab::class_of(slot);
  forget_threshold(heap, slot);
  heap.available[c].remove(slot);
  --heap.available_count[c];
}

bool adopt(ThreadHeap& heap, Slot* slot) noexcept {
  sharing::RemoteList home;
  if (!sharing::adopt_full(slot->remote, home)) return false;
  slot->count = std::uint16_t(slot->count - home.count());
  slot->freed = sharing::block_at(address_of(slot), home.head());
  slot->seen = heap.served[slab::class_of(slot)];
  slot->set_owner(heap.thread);
  join_available(heap, slot);
  return true;
}

Slot* next_slab(ThreadHeap& heap, unsigned c) noexcept {
  ++heap.served[c];
  Slot* slot = heap.available[c].first();
  if (slot != nullptr) {
    leave_available(heap, slot);
    slot->backoff = 0;
    return slot;
  }
  sharing::RemoteList home;
  slot = state.pools[c].take(home);
  if (slot != nullptr) {
    slot->count = std::uint16_t(slot->count - home.count());
    slot->backoff = 0;
    slot->set_owner(heap.thread);
    put_back(slot, sharing::block_at(address_of(slot), home.head()));
    return slot;
  }
  slot = slot_supply.take(1);
  if (slot != nullptr) slab::format(slot, c, heap.thread);
  return slot;
}

}  // namespace strata::heap
