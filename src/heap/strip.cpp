// falloc and the life of strips. See strip.hpp.
#include "heap/strip.hpp"

#include "heap/state.hpp"

namespace strata::heap {
namespace {

void give_record(StripRecord* record) noexcept {
  LockGuard guard(state.strip_lock);
  state.strip_records.give(record);
}

// Every block has been freed and nobody cuts any more.
void release_strip(Slot* slot) noexcept {
  // Records stay memory for ever, so a reader of statistics that comes too late sees only nonsense.
  slot->set_kind(SlotKind::none);
  give_record(&strip::record_of(slot));
  slot_supply.give(slot, 1);
}

bool open_strip(ThreadHeap& heap) noexcept {
  StripRecord* record = nullptr;
  {
    LockGuard guard(state.strip_lock);
    record = state.strip_records.take();
  }
  if (record == nullptr) return false;
  Slot* const slot = slot_supply.take(1);
  if (slot == nullptr) {
    give_record(record);
    return false;
  }
  slot->owner = 0;
  slot->size = reinterpret_cast<Address>(record);
  slot->inverse = 0;
  slot->twice_class = no_class;
  slot->length = 1;
  slot->remote.store(strip::open, Order::relaxed);
  slot->set_kind(SlotKind::strip);
  heap.strip = slot;
  heap.strip_record = record;
  heap.strip_at = address_of(slot);
  heap.strip_left = slot_size;
  heap.strip_blocks = 0;
  return true;
}

// Cuts `bytes` from the strip, which has so many left. A leaf.
STRATA_INLINE void* cut(ThreadHeap& heap, size_t bytes) noexcept {
  const Address block = heap.strip_at;
  heap.strip_at = block + bytes;
  heap.strip_left -= bytes;
  ++heap.strip_blocks;
  StripRecord& record = *heap.strip_record;
  const size_t granule = block % slot_size / granule_size;
  Atomic<std::uint64_t>& word = record.starts[granule / 64];
  // The owner alone writes: no atomic operation is needed, only whole stores.
  word.store(word.load(Order::relaxed) | std::uint64_t{1} << granule % 64, Order::relaxed);
  record.end.store(std::uint32_t(granule + bytes / granule_size), Order::release);
  return reinterpret_cast<void*>(block);
}

STRATA_COLD void* falloc_slow(size_t size) noexcept {
  // What would leave much of a strip unused has a run of its own.
  if (size > largest_small) return allocate(size);
  ThreadHeap* const heap = thread_heap();
  if (heap == nullptr) return allocate(size);
  const size_t bytes = size == 0 ? granule_size : align_up(size, granule_size);
  if (bytes > heap->strip_left) {
    close_strip(*heap);
    if (!open_strip(*heap)) return allocate(size);
  }
  return cut(*heap, bytes);
}

}  // namespace

void* falloc(size_t size) noexcept {
  if constexpr (!Machine::cuts_strips) return allocate(size);
  ThreadHeap* const heap = thread_cache.heap;
  const size_t bytes = align_up(size, granule_size);  // 0 also where it wraps
  if (STRATA_UNLIKELY(heap == nullptr || bytes - 1 >= heap->strip_left)) return falloc_slow(size);
  return cut(*heap, bytes);
}

void close_strip(ThreadHeap& heap) noexcept {
  if constexpr (!Machine::cuts_strips) return;
  Slot* const slot = heap.strip;
  if (slot == nullptr) return;
  heap.strip = nullptr;
  heap.strip_at = heap.strip_left = 0;
  slot->written = strip::written_units(slot);
  const std::uint32_t less = strip::open - heap.strip_blocks;
  // Acquires what those who freed blocks wrote, releases `written` to whoever frees the last.
  if (slot->remote.fetch_sub(less, Order::acq_rel) == less) release_strip(slot);
}

void close_strip_if_empty(ThreadHeap& heap) noexcept {
  if constexpr (!Machine::cuts_strips) return;
  if (heap.strip == nullptr) return;
  const std::uint32_t count = heap.strip->remote.load(Order::relaxed);
  if (count == strip::open - heap.strip_blocks) close_strip(heap);
}

void free_in_strip(Slot* slot, void* pointer) noexcept {
  if constexpr (!Machine::cuts_strips) return;
  const size_t offset = Address(pointer) - address_of(slot);
  StripRecord& record = strip::record_of(slot);
  const size_t granule = offset / granule_size;
  const bool starts = offset % granule_size == 0 && granule < record.end.load(Order::relaxed) &&
                      StripRecord::has(record.starts, granule);
  if (STRATA_UNLIKELY(!starts)) return report(Misuse::invalid_free, pointer);
  const std::uint64_t bit = std::uint64_t{1} << granule % 64;
  if (STRATA_UNLIKELY((record.freed[granule / 64].fetch_or(bit, Order::relaxed) & bit) != 0)) {
    return report(Misuse::double_free, pointer);
  }
  // Pairs with the others' and close_strip's: all use of the slot comes before it goes back.
  if (slot->remote.fetch_sub(1, Order::acq_rel) == 1) release_strip(slot);
}

size_t size_in_strip(Slot* slot, const void* pointer) noexcept {
  if constexpr (!Machine::cuts_strips) return 0;
  const size_t offset = Address(pointer) - address_of(slot);
  const strip::Found block = strip::find(slot, offset);
  if (STRATA_UNLIKELY(block.bytes == 0 || block.offset != offset || !block.live)) {
    report(Misuse::invalid_pointer, pointer);
    return 0;
  }
  return block.bytes;
}

}  // namespace strata::heap
