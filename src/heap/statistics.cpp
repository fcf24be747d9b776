// The walk over all slots that statistics come from. See statistics.hpp.
#include "heap/statistics.hpp"

#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Blocks that are carved, live or not, are counted as free at first; sum_up() takes the live ones
// out.
void add_slab(Statistics& all, const Slot* slot) noexcept {
  const unsigned c = slab::class_of(slot);
  if (c == 0 || c >= class_count) return;  // changes under our eyes
  ClassStatistics& entry = all.classes[c];
  // Below zero for an active slab: its live blocks stand in the cache of its thread. The sum over
  // both is right, so it may wrap on the way.
  const std::uint16_t home = sharing::RemoteList{slot->remote.load(Order::relaxed)}.count();
  entry.live += size_t(std::int16_t(slot->live() - home));
  const size_t resident = slab::resident_bytes(slot);
  const size_t carved = resident / size_of_class(c);
  ++entry.slabs;
  entry.free += carved < slot->capacity() ? carved : slot->capacity();
  entry.resident += resident;
}

void add_strip(Statistics& all, const Slot* slot) noexcept {
  size_t live = 0;
  strip::for_each_block(slot,
                        [&](size_t, size_t bytes, bool is_live) { live += is_live ? bytes : 0; });
  ++all.strips;
  all.strip_live_bytes += live;
  all.small_live_bytes += live;
  all.small_free_bytes += strip::resident_bytes(slot) - live;
}

// Live blocks of active slabs, see ThreadCache.
void add_active(Statistics& all, ThreadCache& cache, const ThreadHeap& heap) noexcept {
  for (unsigned c = 1; c < class_count; ++c) {
    all.classes[c].live += std::uint16_t(cache.bin(c).live() + heap.returned[c].live());
  }
}

size_t less(size_t a, size_t b) noexcept { return a > b ? a - b : 0; }

void sum_up(Statistics& all) noexcept {
  for (unsigned c = 1; c < class_count; ++c) {
    ClassStatistics& entry = all.classes[c];
    if (entry.live > ~size_t{0} / 2) entry.live = 0;  // changed while we looked
    entry.free = less(entry.free, entry.live);
    const size_t bytes = entry.live * size_of_class(c);
    all.small_live_bytes += bytes;
    all.small_free_bytes += less(entry.resident, bytes);
  }
}

}  // namespace

void collect(Statistics& all) noexcept {
  if (mode != nullptr) return mode->collect(all);
  collect_default(all);
}

void collect_default(Statistics& all) noexcept {
  if (ThreadHeap* const heap = thread_cache.heap; heap != nullptr) {
    flush_outbox(*heap);
  }
  {
    LockGuard guard(slot_supply.lock());
    slot_supply.for_each_range([&](SlotRange& range) {
      for (const Slot* slot = range.first_slot(); slot < range.end_slot(); ++slot) {
        if (slot->kind() == SlotKind::slab) {
          if (slot->is_first()) add_slab(all, slot);
        } else if (slot->kind() == SlotKind::strip) {
          add_strip(all, slot);
        } else if (slot->kind() == SlotKind::large) {
          ++all.large_blocks;
          all.large_bytes += slot->size;
        } else if (slot->kind() == SlotKind::lent) {
          all.lent_bytes += slot->size;
        }
      }
    });
  }
  {
    LockGuard guard(state.registry_lock);
    for (const ThreadHeap* heap = state.heaps.first(); heap != nullptr; heap = heap->next) {
      add_active(all, *heap->cache, *heap);
    }
    add_active(all, late.cache, late.heap);
  }
  sum_up(all);
  const SlotSupply::Usage usage = slot_supply.usage();
  const HugeUsage huge = huge_usage();
  all.huge_blocks = huge.blocks;
  all.huge_bytes = huge.bytes;
  all.dirty_bytes = usage.dirty;
  all.metadata_bytes = usage.metadata + state.heap_records.bytes();
  all.committed_bytes = usage.committed + huge.bytes;
  all.reserved_bytes = usage.reserved + huge.bytes;
  all.purged_bytes = usage.purged;
  all.purges = usage.purges;
  all.threads = state.threads.load(Order::relaxed);
}

}  // namespace strata::heap
