// Thinning: free pages inside partly used slabs go back to the system.
//
// When a slab's live blocks fall to a quarter, an eighth or a sixteenth of its capacity, whoever
// freed the last of them looks for pages on which no live block lies. The blocks on these pages
// leave the free list and the units become uncarved again, as if they had never been used: carving
// brings them back when the slab is served from next.
//
//   units      | live | free | free | live |...      uncarved: bits 1 and 2; blocks that reach
//   pages        kept   given  back   kept           into them are on no list
//
// Only while the program frees without taking: a class is left alone while slabs with little in
// them are few, or few among those that are partly free, and while it has lately been in need of
// slabs. (Without these tests a program of steady size spends more time giving pages back and
// faulting them in than on its own work.) Cost: two walks over the slab's free list and one system
// call per run of free pages, at most three times in a slab's way from full to empty.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Slots of a class's slabs that may wait with little in them without being looked at: a quarter of
// a MiB. And one slab of so many that are partly free must be like that: in a program of steady
// size they are few, in one that frees and does not take they soon are most.
constexpr unsigned few_sparse_slots = 4;
constexpr unsigned sparse_share = 4;
// So many slabs of the class must have met a threshold since it was last in need of one.
constexpr std::uint32_t patience = 3;
// And no thread may have taken one from the class's pool for so many milliseconds: threads that
// take turns at two processors are away for a few at a time.
constexpr std::uint32_t pool_patience = 10;

bool few_are_sparse(const Slot* slab, unsigned sparse, unsigned partly_free) noexcept {
  return sparse * slab->slots() < few_sparse_slots || sparse < partly_free / sparse_share;
}

// Where addresses are scarce it always is: what is let go may be served from by others.
bool is_worth_it(unsigned c) noexcept {
  return (state.thinning.is_worth_it() && state.class_thinning[c].is_worth_it()) ||
         slot_supply.addresses_are_scarce();
}

class FreeMap {
 public:
  void set(size_t block) noexcept { words_[block / 64] |= std::uint64_t{1} << block % 64; }
  [[nodiscard]] bool all(size_t first, size_t last) const noexcept {
    for (size_t block = first; block <= last; ++block) {
      if ((words_[block / 64] >> block % 64 & 1) == 0) return false;
    }
    return true;
  }

 private:
  std::uint64_t words_[granules_per_slot / 64] = {};
};

// Where a slab's free blocks and pages are.
struct Layout {
  explicit Layout(const Slot* slab) noexcept
      : address(address_of(slab)),
        size(slab::block_size(slab)),
        inverse(slab->inverse),
        per_slot(slab->slot_capacity()) {}

  [[nodiscard]] size_t slot_of(const Block* block) const noexcept {
    return (Address(block) - address) / slot_size;
  }
  [[nodiscard]] std::uint32_t offset_in_slot(const Block* block) const noexcept {
    return (Address(block) - address) % slot_size;
  }
  [[nodiscard]] size_t number(const Block* block) const noexcept {
    return slot_of(block) * per_slot + block_number(offset_in_slot(block), inverse);
  }

  Address address;
  size_t size;
  std::uint32_t inverse;
  unsigned per_slot;
};

// The units among these that make whole pages.
Units in_whole_pages(Units units) noexcept {
  const size_t page = Machine::page_size();
  if (page <= carve_unit) return units;
  const size_t per_page = page / carve_unit;
  Units whole = 0;
  for (size_t unit = 0; unit + per_page <= carve_units_per_slot; unit += per_page) {
    const auto wanted = Units(first_units(per_page) << unit);
    if ((units & wanted) == wanted) whole = Units(whole | wanted);
  }
  return whole;
}

// Units of the slab's slot i that hold carved blocks, all of them free.
Units free_units(const Slot& slot, size_t i, const FreeMap& free, const Layout& layout) noexcept {
  unsigned found = 0;
  for (unsigned unit = 0; unit < carve_units_per_slot; ++unit) {
    if (((slot.uncarved | ~slot.written) >> unit & 1) != 0) continue;
    const size_t first = unit * carve_unit / layout.size;
    size_t last = ((unit + 1) * carve_unit - 1) / layout.size;
    if (first >= layout.per_slot) break;
    if (last >= layout.per_slot) last = layout.per_slot - 1U;
    if (free.all(i * layout.per_slot + first, i * layout.per_slot + last)) found |= 1U << unit;
  }
  return in_whole_pages(Units(found));
}

// Of a slot at `address`.
void purge_units(Slot& slot, Address address, Units units) noexcept {
  for_each_row(units, [&](unsigned first, unsigned count) {
    if (!Machine::purge(address + first * carve_unit, count * carve_unit)) return;
    slot.written = Units(slot.written & ~(first_units(count) << first));
  });
}

// True when pages went. Only where commits are lazy: elsewhere what is purged has to be committed
// again before its use, and carving does not ask.
bool thin(Slot* slab) noexcept {
  auto& times = state.class_thinning[slab::class_of(slab)];
  times.done();
  const Layout layout(slab);
  FreeMap free;
  for (const Block* block = slab->freed; block != nullptr; block = block->next) {
    free.set(layout.number(block));
  }
  Units units[most_slab_slots] = {};
  unsigned any = 0;
  for (unsigned i = 0; i < slab->slots(); ++i) {
    units[i] = free_units(slab[i], i, free, layout);
    any |= units[i];
  }
  if (any == 0) {
    times.in_vain();
    return false;
  }

  Block* kept = nullptr;
  for (Block* block = slab->freed; block != nullptr;) {
    Block* const next = block->next;
    const unsigned reached = slab::units_of(layout.offset_in_slot(block), layout.size);
    if ((units[layout.slot_of(block)] & reached) == 0) {
      block->next = kept;
      kept = block;
    }
    block = next;
  }
  slab->freed = kept;
  size_t gone = 0;
  for (unsigned i = 0; i < slab->slots(); ++i) {
    slab[i].uncarved = Units(slab[i].uncarved | units[i]);
    // Units that were not carved may hold pages from the slot's life before this slab.
    const auto idle = Units(slab[i].uncarved & slab[i].written);
    count_thinned(count_ones(units[i]) * carve_unit);
    purge_units(slab[i], layout.address + i * slot_size, in_whole_pages(idle));
    gone += count_ones(idle) * carve_unit;
  }
  slot_supply.note_purged_within(slab, gone);
  return true;
}

// As watch, for a slab that has met its threshold: exactly so many of its blocks are live.
void watch_further(ThreadHeap& heap, Slot* slot) noexcept {
  const unsigned capacity = slot->capacity();
  const unsigned met = 0U - slot->bias;
  if (met == sharing::first_threshold(std::uint16_t(capacity))) {
    ++heap.sparse_count[slab::class_of(slot)];
  }
  const unsigned next = met / 2 < capacity / 16 ? 0 : met / 2;
  slot->count = met - next;
  slot->bias = 0U - next;
}

void note_thinned(Slot* slab) noexcept {
  state.thinning.done();
  LockGuard guard(state.pools[slab::class_of(slab)].lock());
  slab->thinned = true;
}

STRATA_NOINLINE void thin_at_rest(ThreadHeap& heap, Slot* slot) noexcept {
  if (!is_worth_it(slab::class_of(slot))) return;
  bring_in(slot);
  const bool empty = slot->live() == 0;
  if (!empty && !thin(slot)) return watch(heap, slot);
  leave_available(heap, slot);
  if (empty) return release_slab(slot);
  note_thinned(slot);
  // Marks of free blocks went with the pages; while nobody owns the slab every free of one of
  // its blocks is looked at closely, and finds out that its unit is uncarved.
  let_go_partial(slot);
}

}  // namespace

void thin_owned(ThreadHeap& heap, Slot* slot) noexcept {
  if constexpr (!Machine::commits_lazily) return watch(heap, slot);
  const unsigned c = slab::class_of(slot);
  watch_further(heap, slot);
  if (few_are_sparse(slot, heap.sparse_count[c], heap.available_count[c])) return;
  if (heap.rest[c].lasts(patience)) thin_at_rest(heap, slot);
}

void thin_pooled(Slot* slot, unsigned size_class) noexcept {
  if constexpr (!Machine::commits_lazily) return;
  ClassPool& pool = state.pools[size_class];
  if (few_are_sparse(slot, pool.count(), 0) || !is_worth_it(size_class)) return;
  sharing::RemoteList home;
  const auto now = std::uint32_t(Machine::now());
  if (!pool.take_idle(slot, size_class, pool_patience, now, home)) return;
  slot->count -= home.count();
  put_back(*slot->own_list(), sharing::block_at(address_of(slot), home.head()));
  if (slot->live() == 0) return release_slab(slot);
  if (thin(slot)) note_thinned(slot);
  let_go_partial(slot);
}

}  // namespace strata::heap
