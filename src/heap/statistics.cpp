// The walk over all slots that statistics come from. See statistics.hpp.
#include "heap/statistics.hpp"

#include "heap/state.hpp"

namespace strata::heap {
namespace {

void add_slab(Statistics& all, const Slot* slot) noexcept {
  const unsigned c = slab::class_of(slot);
  if (c == 0 || c >= class_count) return;  // changes under our eyes
  ClassStatistics& entry = all.classes[c];
  const size_t home = sharing::RemoteList{slot->remote.load(Order::relaxed)}.count();
  const size_t size = size_of_class(c);
  size_t live = slot->live();
  live = live > slot->capacity || live < home ? 0 : live - home;
  const size_t resident = slab::resident_bytes(slot);
  const size_t carved = resident / size < slot->capacity ? resident / size : slot->capacity;
  ++entry.slabs;
  entry.live += live;
  entry.free += carved > live ? carved - live : 0;
  entry.resident += resident;
  all.small_live_bytes += live * size;
  all.small_free_bytes += resident > live * size ? resident - live * size : 0;
}

// Live blocks that only the caches know of, see ThreadCache.
void add_handed(Statistics& all, const ThreadCache& cache) noexcept {
  for (unsigned c = 1; c < class_count; ++c) {
    const size_t handed = cache.handed(c);
    ClassStatistics& entry = all.classes[c];
    entry.live += handed;
    entry.free -= entry.free < handed ? entry.free : handed;
    all.small_live_bytes += handed * size_of_class(c);
    const size_t bytes = handed * size_of_class(c);
    all.small_free_bytes -= all.small_free_bytes < bytes ? all.small_free_bytes : bytes;
  }
}

}  // namespace

void collect(Statistics& all) noexcept {
  if (ThreadHeap* const heap = thread_cache.heap; heap != nullptr) {
    flush_outbox(*heap);
    for (unsigned c = 1; c < class_count; ++c) {
      if (heap->active[c] != nullptr) settle(thread_cache, *heap, c);
    }
  }
  {
    LockGuard guard(slot_supply.lock());
    slot_supply.for_each_range([&](SlotRange& range) {
      for (const Slot* slot = range.first_slot(); slot < range.end_slot(); ++slot) {
        if (slot->kind == SlotKind::slab) {
          add_slab(all, slot);
        } else if (slot->kind == SlotKind::large) {
          ++all.large_blocks;
          all.large_bytes += slot->size;
        }
      }
    });
  }
  {
    LockGuard guard(state.registry_lock);
    for (const ThreadHeap* heap = state.heaps.first(); heap != nullptr; heap = heap->next) {
      add_handed(all, *heap->cache);
    }
    add_handed(all, state.late_cache);
  }
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
