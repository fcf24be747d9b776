// Blocks freed by a thread that does not own their slab, gathered by slab and sent home in batches:
// one atomic operation for up to 64 of them.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// A full slab becomes useful to others when this many blocks are home: an eighth of it, and at
// least one.
std::uint16_t wake_count(const Slot* slot) noexcept {
  return std::uint16_t(slot->capacity() < 8 ? 1 : slot->capacity() / 8);
}

unsigned batch_limit(unsigned c) noexcept {
  const size_t by_bytes = outbox_batch_bytes / size_of_class(c);
  return by_bytes < outbox_batch_least    ? outbox_batch_least
         : by_bytes < outbox_batch_blocks ? unsigned(by_bytes)
                                          : outbox_batch_blocks;
}

void send(Slot* slab, const sharing::Batch& batch) noexcept {
  const unsigned c = slab::class_of(slab);
  sharing::bring_home<Machine::commits_lazily>(slab, address_of(slab), c, batch, wake_count(slab),
                                               state.pools[c], release_slab, thin_pooled);
}

}  // namespace

unsigned batch_size(unsigned c, std::uint32_t room) noexcept { return batch_limit(c) - room; }

void flush(ThreadHeap& heap, OutboxEntry& entry) noexcept {
  Slot* const slab = entry.slot;
  entry.slot = nullptr;
  --heap.outbox_used;
  send(slab,
       {entry.first, entry.last, std::uint16_t(batch_size(slab::class_of(slab), entry.room))});
}

void post(ThreadHeap* heap, Slot* slab, Block* block) noexcept {
  // Small code, a finished thread, or no memory for a heap.
  if (built_small || STRATA_UNLIKELY(heap == nullptr)) {
    send(slab, {block, block, 1});
    return;
  }
  OutboxEntry& entry = entry_of_slab(*heap, slab);
  if (entry.slot != slab) {
    if (entry.slot != nullptr) flush(*heap, entry);
    entry.slot = slab;
    entry.first = nullptr;
    entry.last = block;
    entry.room = batch_limit(slab::class_of(slab));
    ++heap->outbox_used;
  }
  if (join(entry, block)) flush(*heap, entry);
}

void empty_entry(ThreadHeap& heap, Slot* slab) noexcept {
  if constexpr (built_small) return;
  OutboxEntry& entry = entry_of_slab(heap, slab);
  entry.slot = nullptr;
  --heap.outbox_used;
  slab->count -= batch_size(slab::class_of(slab), entry.room);
  entry.last->next = slab->freed;
  slab->freed = entry.first;
}

void flush_outbox(ThreadHeap& heap) noexcept {
  if constexpr (built_small) return;
  for (OutboxEntry& entry : heap.outbox) {
    if (heap.outbox_used == 0) return;
    if (entry.slot != nullptr) flush(heap, entry);
  }
}

}  // namespace strata::heap
