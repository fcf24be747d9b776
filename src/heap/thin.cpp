// Thinning: free pages inside partly used slabs go back to the system.
//
// When a slab's live blocks fall to a quarter, an eighth or a sixteenth of its capacity, whoever
// freed the last of them looks for pages on which no live block lies. The blocks on these pages
// leave the free list and the units become uncarved again, as if they had never been used: carving
// brings them back when the slab is served from next.
//
//   units      | live | free | free | live |...          uncarved: bits 1 and 2; blocks that reach
//   into pages        kept   given back    kept               them are on no list
//
// Only while the program frees without taking: a class is left alone while slabs with little in
// them are few, or few among those that are partly free, and so is a slab whose class has been in
// need of slabs since it was last looked at. (Without these tests a program of steady size spends
// more time giving pages back and faulting them in than on its own work.) Cost: two walks over the
// slab's free list and one system call per run of free pages, at most three times in a slab's way
// from full to empty.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Slabs of a class that may wait with little in them without being looked at: half a MiB. And there
// must be one such for every so many that are partly free: in a program of steady size they are
// few, in one that frees and does not take they soon are most.
constexpr unsigned few_sparse = 8;
constexpr unsigned sparse_share = 4;

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

// Units that hold carved blocks, all of them free. Whole pages only.
unsigned free_units(const Slot* slot, const FreeMap& free, size_t size) noexcept {
  unsigned found = 0;
  for (unsigned unit = 0; unit < slot->touched; ++unit) {
    if ((slot->uncarved >> unit & 1U) != 0) continue;
    const size_t first = unit * carve_unit / size;
    size_t last = ((unit + 1) * carve_unit - 1) / size;
    if (first >= slot->capacity) break;
    if (last >= slot->capacity) last = slot->capacity - 1U;
    if (free.all(first, last)) found |= 1U << unit;
  }
  const size_t page = Machine::page_size();
  if (page > carve_unit) {
    const unsigned per_page = unsigned(page / carve_unit);
    if (per_page >= 32) return 0;
    const unsigned whole = (1U << per_page) - 1;
    for (unsigned unit = 0; unit < carve_units_per_slot; unit += per_page) {
      if ((found >> unit & whole) != whole) found &= ~(whole << unit);
    }
  }
  return found;
}

// True when pages went.
bool thin(Slot* slot) noexcept {
  // What is purged there has to be committed again before its use, and carving does not ask.
  if constexpr (!commits_lazily<Machine>) return false;
  const Address slab = address_of(slot);
  const size_t size = slab::block_size(slot);
  FreeMap free;
  for (const Block* block = slot->freed; block != nullptr; block = block->next) {
    free.set((Address(block) - slab) / size);
  }
  const unsigned units = free_units(slot, free, size);
  if (units == 0) return false;

  const auto reaches = [&](const Block* block) {
    return (units & slab::units_of(Address(block) - slab, size)) != 0;
  };
  Block* kept = nullptr;
  for (Block* block = slot->freed; block != nullptr;) {
    Block* const next = block->next;
    if (!reaches(block)) {
      block->next = kept;
      kept = block;
    }
    block = next;
  }
  slot->freed = kept;
  slot->uncarved = std::uint16_t(slot->uncarved | units);
  for (unsigned rest = units; rest != 0;) {
    const unsigned first = lowest_bit(rest);
    const unsigned count = unsigned(__builtin_ctz(~(rest >> first)));
    Machine::purge(slab + first * carve_unit, count * carve_unit);
    rest &= ~(((1U << count) - 1) << first);
  }
  return true;
}

}  // namespace

void thin_owned(ThreadHeap& heap, Slot* slot) noexcept {
  const unsigned c = slab::class_of(slot);
  const bool idle = slot->seen == heap.served[c];
  slot->seen = heap.served[c];
  watch(heap, slot);
  if (!idle || heap.sparse_count[c] < few_sparse ||
      heap.sparse_count[c] < heap.available_count[c] / sparse_share) {
    return;
  }
  const auto home = sharing::take(slot->remote);
  slot->count = std::uint16_t(slot->count - home.count());
  put_back(slot, sharing::block_at(address_of(slot), home.head()));
  const bool empty = slot->live() == 0;
  if (!empty && !thin(slot)) return watch(heap, slot);
  leave_available(heap, slot);
  if (empty) return release_slab(slot);
  // Marks of free blocks went with the pages; while nobody owns the slab every free of one of
  // its blocks is looked at closely, and finds out that its unit is uncarved.
  let_go_partial(slot);
}

void thin_pooled(Slot* slot, unsigned size_class) noexcept {
  ClassPool& pool = state.pools[size_class];
  if (pool.count() < few_sparse) return;
  sharing::RemoteList home;
  if (!pool.take_this(slot, size_class, home)) return;
  slot->count = std::uint16_t(slot->count - home.count());
  put_back(slot, sharing::block_at(address_of(slot), home.head()));
  if (slot->live() == 0) return release_slab(slot);
  thin(slot);
  let_go_partial(slot);
}

}  // namespace strata::heap
