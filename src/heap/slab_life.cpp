// A slab's way between owners, the pool and the supply of slots. The protocol is in sharing.hpp.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Resident bytes of empty active slabs that all threads together may keep, and the least a thread
// may: with few threads nothing is given back too early, with many an idle one holds little. With
// so many that it comes to the least, a class's slab is kept from the second time that it empties:
// a thread that frees all it had and is idle then keeps nothing.
constexpr size_t retained_total = 2 * MiB;
constexpr size_t retained_least = 32 * KiB;

size_t retained_budget() noexcept {
  const unsigned threads = state.threads.load(Order::relaxed);
  const size_t share = retained_total / (threads == 0 ? 1 : threads);
  return share < retained_least ? retained_least : share;
}

size_t retained_bytes(const Slot* slab) noexcept {
  return built_small ? slab->slots() * slot_size : slab::resident_bytes(slab);
}

// A retained slab's count stands so far above the number of its live blocks that no free is an
// event: a program that takes and frees one block over and over is asked once.
constexpr std::uint32_t retained_bias = 1U << 16;

void forget_retained(ThreadHeap& heap, Slot* slot) noexcept {
  if (slot->list->bias < retained_bias) return;
  slot->list->count -= retained_bias;
  slot->list->bias -= retained_bias;
  unsigned i = 0;
  while (heap.retained[i] != slot) ++i;
  for (--heap.retained_count; i < heap.retained_count; ++i) heap.retained[i] = heap.retained[i + 1];
}

// Word by word, as they were written: a copy of both at once would wait until the processor has
// brought the last freed blocks into its cache.
void move_list(FreeList& to, FreeList& from) noexcept {
  to.head = from.head;
  to.count = from.count;
  to.bias = from.bias;
  from.head = nullptr;
  from.count = from.bias = 0;
}

// The oldest retained slab: given back when it is empty now, an ordinary active one otherwise.
void evict_oldest(ThreadHeap& heap) noexcept {
  Slot* const slot = heap.retained[0];
  const unsigned c = slab::class_of(slot);
  forget_retained(heap, slot);
  settle(heap, c);
  if (slot->list->live() == 0) release_slab(deactivate(heap, c));
}

}  // namespace

STRATA_SHARED void put_back(FreeList& list, Block* blocks) noexcept {
  if (blocks == nullptr) return;
  if (list.head != nullptr) {
    Block* last = blocks;
    while (last->next != nullptr) last = last->next;
    last->next = list.head;
  }
  list.head = blocks;
}

void bring_in(Slot* slot) noexcept {
  const auto home = sharing::take(slot->remote);
  slot->list->count -= home.count();
  put_back(*slot->list, sharing::block_at(address_of(slot), home.head()));
}

Address address_of(const Slot* slot) noexcept { return slot_supply.address_of(slot); }

STRATA_SHARED void activate(ThreadHeap& heap, Slot* slot, FreeList& list) noexcept {
  move_list(list, *slot->own_list());
  slot->set_list(&list);
  heap.active[slab::class_of(slot)] = slot;
}

Slot* deactivate(ThreadHeap& heap, unsigned c) noexcept {
  Slot* const slot = heap.active[c];
  forget_retained(heap, slot);
  unite(heap, c);
  move_list(*slot->own_list(), heap.cache->bin(c));
  slot->set_list(slot->own_list());
  heap.active[c] = nullptr;
  return slot;
}

void settle(ThreadHeap& heap, unsigned c) noexcept {
  if constexpr (!Machine::has_modes) return;
  FreeList& bin = heap.cache->bin(c);
  FreeList& list = *heap.active[c]->list;
  if (&list == &bin) return;
  const std::uint32_t handed = bin.count;
  bin.count = 0;
  list.count += handed;
  // Means nothing where it is not drawn, and may wrap then.
  std::int32_t& left = heap.countdown.left[c];
  left = std::int32_t(std::uint32_t(left) - handed);
}

void part(ThreadHeap& heap, unsigned c) noexcept {
  if constexpr (!Machine::has_modes) return;
  Slot* const slot = heap.active[c];
  FreeList& bin = heap.cache->bin(c);
  if (slot->list != &bin) return;
  move_list(heap.returned[c], bin);
  slot->set_list(&heap.returned[c]);
}

void unite(ThreadHeap& heap, unsigned c) noexcept {
  if constexpr (!Machine::has_modes) return;
  Slot* const slot = heap.active[c];
  FreeList& bin = heap.cache->bin(c);
  if (slot->list == &bin) return;
  settle(heap, c);
  FreeList& list = heap.returned[c];
  put_back(list, bin.head);
  put_back(list, slot->freed);
  slot->freed = nullptr;
  if (list.bias < retained_bias) list = {list.head, list.live(), 0};
  move_list(bin, list);
  slot->set_list(&bin);
}

void answer_call(ThreadHeap& heap, Slot* slot) noexcept {
  slot->first()->set_owner(heap.thread);
  const bool on = sample::is_on();
  for (unsigned c = 1; c < class_count; ++c) {
    Slot* const active = heap.active[c];
    if (active == nullptr) continue;
    active->set_owner(heap.thread);
    if (on) {
      part(heap, c);
    } else {
      unite(heap, c);
    }
  }
}

void retain(ThreadHeap& heap, Slot* slot) noexcept {
  const size_t budget = retained_budget();
  [[maybe_unused]] const unsigned c = slab::class_of(slot);
  if (!built_small && budget == retained_least && !heap.emptied[c]) {
    heap.emptied[c] = true;
    return release_slab(deactivate(heap, c));
  }
  slot->list->count = slot->list->live() + retained_bias;
  slot->list->bias = retained_bias;
  heap.retained[heap.retained_count++] = slot;
  size_t bytes = 0;
  for (unsigned i = 0; i < heap.retained_count; ++i) bytes += retained_bytes(heap.retained[i]);
  while (bytes > budget && heap.retained_count > 1) {
    bytes -= retained_bytes(heap.retained[0]);
    evict_oldest(heap);
  }
}

void release_slab(Slot* slab) noexcept {
  if (Machine::commits_lazily && slab->thinned) state.thinning.in_vain();
  const unsigned slots = slab->slots();
  slab->set_owner(0);
  for (Slot *slot = slab, *end = slab + slots; slot != end; ++slot) {
    slot->uncarved = 0;
    slot->set_kind(SlotKind::none);
    slot->twice_class = no_class;
  }
  slot_supply.leave(slab, slots);
}

bool let_go_full(ThreadHeap& heap, Slot* slot) noexcept {
  return sharing::let_go_full(slot, heap.thread);
}

void let_go_partial(Slot* slot) noexcept {
  sharing::let_go_partial(slot, state.pools[slab::class_of(slot)], release_slab);
}

namespace {

// Whether an available slab has met its first threshold: little of it is live.
bool is_sparse(const Slot* slot) noexcept {
  if constexpr (!Machine::commits_lazily) return false;  // no thinning, no thresholds
  const auto threshold = std::uint16_t(-slot->bias);
  return threshold == 0 || threshold < sharing::first_threshold(slot->capacity());
}

void set_threshold(ThreadHeap& heap, Slot* slot) noexcept {
  const std::uint16_t live = slot->live();
  const std::uint16_t threshold =
      Machine::commits_lazily ? sharing::next_threshold(slot->capacity(), live) : 0;
  slot->count = live - threshold;
  slot->bias = 0U - threshold;
  if (is_sparse(slot)) ++heap.sparse_count[slab::class_of(slot)];
}

void forget_threshold(ThreadHeap& heap, Slot* slot) noexcept {
  if constexpr (!Machine::commits_lazily) return;
  if (is_sparse(slot)) --heap.sparse_count[slab::class_of(slot)];
  slot->count = slot->live();
  slot->bias = 0;
}

// A slab that was nobody's, and what had come home to it.
void make_own(ThreadHeap& heap, Slot* slot, sharing::RemoteList home) noexcept {
  if (home.head() != 0) {
    slot->count -= home.count();
    put_back(*slot->own_list(), sharing::block_at(address_of(slot), home.head()));
  }
  if (!built_small && entry_of_slab(heap, slot).slot == slot) empty_entry(heap, slot);
  slot->set_owner(heap.thread);
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
  make_own(heap, slot, home);
  join_available(heap, slot);
  return true;
}

Slot* next_slab(ThreadHeap& heap, unsigned c) noexcept {
  if constexpr (Machine::commits_lazily) heap.rest[c].use();  // for who thins
  Slot* slot = heap.available[c].first();
  if (slot != nullptr) {
    leave_available(heap, slot);
    return slot;
  }
  sharing::RemoteList home;
  slot = state.pools[c].take(home);
  if (slot != nullptr) {
    make_own(heap, slot, home);
    if (Machine::commits_lazily && STRATA_UNLIKELY(slot->thinned)) {
      state.thinning.in_vain();
      LockGuard guard(state.pools[c].lock());
      slot->thinned = false;
    }
    return slot;
  }
  unsigned slots = size_class(c).slots;
  slot = slot_supply.take(slots);
  if (slot == nullptr && slots > 1) slot = slot_supply.take(slots = 1);  // any is better than none
  if (slot != nullptr) slab::format(slot, slots, c, heap.thread);
  return slot;
}

}  // namespace strata::heap
