// Freeing beyond the hot path: blocks of other threads, of annexes, large and huge ones, the last
// block of a slab, and pointers that are none of these.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// Slabs of one class a thread may collect by freeing blocks of full slabs. What it collects serves
// it without atomic operations; beyond this the blocks gather in the slab itself, where any thread
// finds them, so that an idle thread strands little.
constexpr unsigned most_available = 64;

bool list_has(const Block* list, const void* block, unsigned limit) noexcept {
  for (; list != nullptr && limit != 0; list = list->next, --limit) {
    if (list == block) return true;
  }
  return false;
}

void free_local(Slot* slot, Block* block) noexcept {
  block->mark = mark_freed(block);
  block->next = slot->freed;
  slot->freed = block;
  if (--slot->count == 0) free_event(slot);
}

void free_to_slab(Slot* slot, void* pointer) noexcept {
  const auto offset = std::uint16_t(Address(pointer) - address_of(slot));
  // What is left behind the last block looks like the start of one.
  const bool behind = offset >= size_t{slot->capacity} * slab::block_size(slot);
  if (STRATA_UNLIKELY(!is_block_start(offset, slot->inverse) || behind)) {
    return report(Misuse::invalid_free, pointer);
  }
  auto* const block = static_cast<Block*>(pointer);
  // A block that reaches into an uncarved unit was never handed out, or has been given back.
  const bool uncarved = (slot->uncarved & slab::units_of(offset, slab::block_size(slot))) != 0;
  if (STRATA_UNLIKELY(uncarved || block->mark == mark_freed(pointer)) && is_free(slot, pointer)) {
    return report(Misuse::double_free, pointer);
  }
  if (slot->owned_by(Machine::current_thread())) return free_local(slot, block);
  block->mark = mark_freed(block);
  ThreadHeap* const heap = thread_heap();
  if (heap != nullptr && slot->owned_by(0) &&
      heap->available_count[slab::class_of(slot)] < most_available &&
      sharing::RemoteList{slot->remote.load(Order::relaxed)}.state() == sharing::State::full &&
      adopt(*heap, slot)) {
    return free_local(slot, block);
  }
  post(heap, slot, block);
}

// Whether the block waits in the batch, which another thread may be changing: every address that is
// found is one of the slab's, and the walk is short.
STRATA_OVERTAKEN bool waits_in(const OutboxEntry& entry, const Slot* slot, const void* block) {
  if (entry.slab != slot) return false;
  const Block* waiting = entry.batch.first;
  for (unsigned i = 0; i < outbox_batch_blocks && waiting != nullptr; ++i) {
    if (waiting == block) return true;
    if ((Address(waiting) ^ Address(block)) >> slot_shift != 0) return false;
    waiting = waiting->next;
  }
  return false;
}

}  // namespace

const ThreadHeap* waits_with(Slot* slot, const void* block) noexcept {
  LockGuard guard(state.registry_lock);
  for (ThreadHeap* heap = state.heaps.first(); heap != nullptr; heap = heap->next) {
    if (waits_in(outbox_entry(*heap, slot), slot, block)) return heap;
  }
  return nullptr;
}

bool is_free(Slot* slot, const void* block) noexcept {
  const auto offset = std::uint16_t(Address(block) - address_of(slot));
  if ((slot->uncarved & slab::units_of(offset, slab::block_size(slot))) != 0) return true;
  if (static_cast<const Block*>(block)->mark != mark_freed(block)) return false;
  const unsigned limit = slot->capacity;
  ThreadHeap* const heap = thread_cache.heap;
  // Another thread's lists may change while we walk them: the mark is all there is to know, and a
  // program has no way to this number.
  if (heap == nullptr || !slot->owned_by(Machine::current_thread())) return true;
  const unsigned c = slab::class_of(slot);
  if (list_has(slot->freed, block, limit)) return true;
  if (heap->active[c] == slot && list_has(thread_cache.head(c), block, limit)) return true;
  // Before the blocks that have come home: what leaves an outbox now is found there.
  if (waits_with(slot, block) != nullptr) return true;
  // Others only put blocks in front of those that have come home; we alone take them.
  const sharing::RemoteList home{slot->remote.load(Order::acquire)};
  return list_has(sharing::block_at(address_of(slot), home.head()), block, home.count());
}

// Everything that is not this thread's own block, except the case that free_elsewhere treats
// itself.
STRATA_NOINLINE void free_any(void* pointer) noexcept {
  Slot* const slot = slot_supply.find(Address(pointer));
  if (slot == nullptr) {
    if (!free_huge(pointer)) report(Misuse::invalid_free, pointer);
    return;
  }
  switch (slot->kind()) {
    case SlotKind::slab:
      return free_to_slab(slot, pointer);
    case SlotKind::large:
      return free_large(slot, pointer);
    default:
      report(Misuse::invalid_free, pointer);
  }
}

// A block of another thread's slab for which a batch is open joins it: what a thread that frees
// what others allocate does nearly always.
template <Form form, class... Size>
void free_elsewhere(void* pointer, Size... size) noexcept {
  ThreadHeap* const heap = thread_cache.heap;
  if (STRATA_UNLIKELY(heap == nullptr)) {
    if (mode == nullptr) return free_default(pointer);
    if (pointer == nullptr) return;
    if constexpr (sizeof...(size) != 0) return mode->free(pointer, form, size...);
    return mode->free(pointer, form, unknown_size);
  }
  const Address base = seen_primary_base();
  const Address offset = Address(pointer) - base;
  if (STRATA_LIKELY(offset < seen_primary_bytes())) {
    Slot* const slot = reinterpret_cast<Slot*>(base) + (offset >> slot_shift);
    OutboxEntry& entry = outbox_entry(*heap, slot);
    auto* const block = static_cast<Block*>(pointer);
    const std::uintptr_t mark = mark_freed(pointer);
    if (STRATA_LIKELY(entry.slab == slot) && !slot->owned_by(heap->thread) &&
        STRATA_LIKELY(is_block_start(std::uint16_t(offset), slot->inverse)) &&
        STRATA_LIKELY(block->mark != mark)) {
      block->mark = mark;
      return join(*heap, entry, block);
    }
  }
  if (pointer != nullptr) free_any(pointer);
}
template void free_elsewhere<Form::malloc>(void* pointer) noexcept;
template void free_elsewhere<Form::malloc>(void* pointer, size_t size) noexcept;
template void free_elsewhere<Form::new_one>(void* pointer) noexcept;
template void free_elsewhere<Form::new_one>(void* pointer, size_t size) noexcept;
template void free_elsewhere<Form::new_array>(void* pointer) noexcept;
template void free_elsewhere<Form::new_array>(void* pointer, size_t size) noexcept;

void free_default(void* pointer) noexcept {
  if (pointer != nullptr) free_any(pointer);
}

// The hot path found a block that bears the mark of free blocks, or no block start.
void free_suspect(void* pointer) noexcept { free_any(pointer); }

// Decides after how many more frees to look at an active slab again. It cannot be empty before
// `live` of them, so a thread that frees all it has is noticed at its last free, exactly. Where few
// blocks are live while others come and go, each look finds some; then the looks become rarer, up
// to one in 16 frees.
void arm(Slot* slot, std::uint16_t live) noexcept {
  constexpr std::uint32_t rarest = 16;
  const auto next = std::uint16_t(live > slot->backoff ? live : slot->backoff);
  slot->backoff = slot->backoff * 2 + 1 > rarest ? rarest : slot->backoff * 2 + 1;
  slot->count = next;
  slot->bias = std::uint16_t(next - live);
}

// The owner's frees have counted down to 0.
void free_event(Slot* slot) noexcept {
  const unsigned c = slab::class_of(slot);
  ThreadHeap& heap = *thread_cache.heap;
  if (heap.active[c] != slot) {
    if (slot->live() != 0) return thin_owned(heap, slot);
    leave_available(heap, slot);
    return release_slab(slot);
  }
  settle(thread_cache, heap, c);
  const std::uint16_t live = slot->live();
  if (live != 0) return arm(slot, live);
  slot->backoff = 16;
  arm(slot, 0);
  retain(heap, slot);
}

}  // namespace strata::heap
