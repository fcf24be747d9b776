// Freeing beyond the hot path: blocks of other threads, of annexes, large and huge ones, the last
// block of a slab, and pointers that are none of these.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

// A thread that frees a block of a full slab may take the slab over: then it is served from it, and
// frees to it, without atomic operations. Always when it let the slab go itself; of slabs that
// others let go, only while it has fewer than this of the class. Beyond that the blocks gather in
// the slab, where any thread finds them: threads that exchange blocks would hoard what others need.
constexpr unsigned most_adopted = 4;

bool list_has(const Block* list, const void* block, unsigned limit) noexcept {
  for (; list != nullptr && limit != 0; list = list->next, --limit) {
    if (list == block) return true;
  }
  return false;
}

void free_local(Slot* slot, Block* block) noexcept {
  block->mark = mark_freed(block);
  block->next = slot->list->head;
  slot->list->head = block;
  if (--slot->list->count == 0) free_event(slot);
}

void free_to_slab(Slot* slot, void* pointer) noexcept {
  if (Machine::has_modes && STRATA_UNLIKELY(slot->calls_for(Machine::current_thread()))) {
    answer_call(*thread_cache.heap, slot);
  }
  const auto offset = std::uint16_t(Address(pointer));  // slots are aligned to their size
  // What is left behind the last block looks like the start of one.
  const bool behind = block_number(offset, slot->inverse) >= slot->slot_capacity();
  if (STRATA_UNLIKELY(!is_block_start(offset, slot->inverse) || behind)) {
    return report(Misuse::invalid_free, pointer);
  }
  auto* const block = static_cast<Block*>(pointer);
  // A block that reaches into an uncarved unit was never handed out, or has been given back.
  const bool uncarved = slab::reaches_uncarved(slot, offset);
  if (STRATA_UNLIKELY(uncarved || block->mark == mark_freed(pointer)) && is_free(slot, pointer)) {
    return report(Misuse::double_free, pointer);
  }
  if (slot->owned_by(Machine::current_thread())) return free_local(slot, block);
  block->mark = mark_freed(block);
  ThreadHeap* heap = thread_cache.heap;
  if (STRATA_UNLIKELY(heap == nullptr)) heap = thread_heap();
  Slot* const slab = slot->first();
  if (heap != nullptr &&
      sharing::RemoteList{slab->remote.load(Order::relaxed)}.state() == sharing::State::full &&
      (slab->owned_by(~heap->thread) ||
       heap->available_count[slab::class_of(slab)] < most_adopted) &&
      adopt(*heap, slab)) {
    return free_local(slab, block);
  }
  post(heap, slab, block);
}

// Whether the block waits in the batch, which another thread may be changing: every address that is
// found is one of the slab's, and the walk is short.
STRATA_OVERTAKEN bool waits_in(const OutboxEntry& entry, const Slot* slab, const void* block) {
  if (entry.slot != slab) return false;
  const Address begin = address_of(slab);
  const Block* waiting = entry.first;
  for (unsigned i = 0; i < outbox_batch_blocks && waiting != nullptr; ++i) {
    if (waiting == block) return true;
    if (Address(waiting) - begin >= slab->slots() * slot_size) return false;
    waiting = waiting->next;
  }
  return false;
}

}  // namespace

const ThreadHeap* waits_with(Slot* slot, const void* block) noexcept {
  if constexpr (built_small) return nullptr;  // nothing waits: see post()
  const Slot* const slab = slot->first();
  LockGuard guard(state.registry_lock);
  for (ThreadHeap* heap = state.heaps.first(); heap != nullptr; heap = heap->next) {
    if (waits_in(entry_of_slab(*heap, slab), slab, block)) return heap;
  }
  return nullptr;
}

bool is_free(Slot* slot, const void* block) noexcept {
  const auto offset = std::uint16_t(Address(block) - address_of(slot));
  if (slab::reaches_uncarved(slot, offset)) return true;
  if (static_cast<const Block*>(block)->mark != mark_freed(block)) return false;
  const Slot* const slab = slot->first();
  const unsigned limit = slab->capacity();
  ThreadHeap* const heap = thread_cache.heap;
  // Another thread's lists may change while we walk them: the mark is all there is to know, and a
  // program has no way to this number.
  const Address me = Machine::current_thread();
  const bool mine = slot->owned_by(me) || (Machine::has_modes && slot->calls_for(me));
  if (heap == nullptr || !mine) return true;
  if (list_has(slab->list->head, block, limit)) return true;
  if constexpr (Machine::has_modes) {  // while allocations are sampled there are two lists more
    const unsigned c = slab::class_of(slab);
    if (heap->active[c] == slab && list_has(thread_cache.bin(c).head, block, limit)) return true;
    if (list_has(slab->freed, block, limit)) return true;
  }
  // Before the blocks that have come home: what leaves an outbox now is found there.
  if (!built_small && waits_with(slot, block) != nullptr) return true;
  // Others only put blocks in front of those that have come home; we alone take them.
  const sharing::RemoteList home{slab->remote.load(Order::acquire)};
  return list_has(sharing::block_at(address_of(slab), home.head()), block, home.count());
}

// Everything in a slot that is not this thread's own block, except what free_of_other treats itself.
STRATA_NOINLINE void free_in_slot(void* pointer, Slot* slot) noexcept {
  const SlotKind kind = slot->kind();
  if (STRATA_LIKELY(kind == SlotKind::slab)) return free_to_slab(slot, pointer);
  switch (kind) {
    case SlotKind::large:
      return free_large(slot, pointer);
    case SlotKind::strip:
      return free_in_strip(slot, pointer);
    case SlotKind::zero_sized:
      if (Machine::parts_zero_sized) return free_zero_sized(slot, pointer);
      [[fallthrough]];
    case SlotKind::sampled:
      if (sample::freed(pointer)) return;
      [[fallthrough]];
    default:
      report(Misuse::invalid_free, pointer);
  }
}

STRATA_NOINLINE void free_any(void* pointer) noexcept {
  Slot* const slot = slot_supply.find(Address(pointer));
  if (slot != nullptr) return free_in_slot(pointer, slot);
  if (!sample::freed(pointer) && !free_huge(pointer)) report(Misuse::invalid_free, pointer);
}

// A batch of a slab of one slot is full. Takes what free_of_other was given, as it was.
STRATA_NOINLINE void flush_full(const void* /*pointer*/, Slot* slab) noexcept {
  ThreadHeap& heap = *thread_cache.heap;
  flush(heap, outbox_entry(heap, slab));
}

// The thread has no heap: it has just begun, or has finished, or a mode other than the default one
// serves it.
template <Form form, class... Size>
STRATA_NOINLINE void free_without_heap(void* pointer, Size... size) noexcept {
  if (mode == nullptr) return free_default(pointer);
  if constexpr (sizeof...(size) != 0) return mode->free(pointer, form, size...);
  return mode->free(pointer, form, unknown_size);
}

// A pointer into a slot of the primary range that this thread does not own. A block of another
// thread's slab for which a batch is open joins it: what a thread that frees what others allocate
// does nearly always.
template <Form form, class... Size>
void free_of_other(void* pointer, Slot* slot, Size... size) noexcept {
  if constexpr (built_small && !Machine::has_modes) return free_any(pointer);
  ThreadHeap* const heap = thread_cache.heap;
  if (STRATA_UNLIKELY(heap == nullptr)) return free_without_heap<form>(pointer, size...);
  OutboxEntry& entry = outbox_entry(*heap, slot);
  auto* const block = static_cast<Block*>(pointer);
  const std::uintptr_t mark = mark_freed(pointer);
  if (STRATA_LIKELY(entry.slot == slot) &&
      STRATA_LIKELY(is_block_start(std::uint16_t(Address(pointer)), slot->inverse)) &&
      STRATA_LIKELY(block->mark != mark)) {
    block->mark = mark;
    if (STRATA_UNLIKELY(join(entry, block))) flush_full(pointer, slot);
    return;
  }
  free_in_slot(pointer, slot);
}

// Null, and what does not lie in the primary range.
template <Form form, class... Size>
void free_elsewhere(void* pointer, Size... size) noexcept {
  if (pointer == nullptr) return;
  if (Machine::has_modes && STRATA_UNLIKELY(thread_cache.heap == nullptr)) {
    return free_without_heap<form>(pointer, size...);
  }
  free_any(pointer);
}

#define STRATA_INSTANTIATE(form)                                           \
  template void free_elsewhere<form>(void* pointer) noexcept;              \
  template void free_elsewhere<form>(void* pointer, size_t size) noexcept; \
  template void free_of_other<form>(void* pointer, Slot* slot) noexcept;   \
  template void free_of_other<form>(void* pointer, Slot* slot, size_t size) noexcept
STRATA_INSTANTIATE(Form::malloc);
STRATA_INSTANTIATE(Form::new_one);
STRATA_INSTANTIATE(Form::new_array);
#undef STRATA_INSTANTIATE

void free_default(void* pointer) noexcept {
  if (pointer != nullptr) free_any(pointer);
}

// The hot path found a block that bears the mark of free blocks, or no block start.
void free_suspect(void* pointer) noexcept { free_any(pointer); }

// An active slab's count did not know all of its live blocks. Where few are live while others come
// and go, it is asked less and less often.
void count_again(FreeList& list) noexcept {
  constexpr std::uint32_t few = 16;
  const std::uint32_t live = list.live();
  list.bias = live >= few ? 0 : list.bias >= few / 2 ? few - 1 : 2 * list.bias + 1;
  list.count = live + list.bias;
}

// Whether the block that was freed last, and that emptied its slab, was never handed out: the unit
// it lies in is not carved. Another block is live then, whose place would be given away.
bool was_never_taken(Slot* slab) noexcept {
  const Address offset = Address(slab->list->head) - address_of(slab);
  return slab::reaches_uncarved(slab + (offset >> slot_shift), std::uint16_t(offset));
}
STRATA_COLD void refuse_last(FreeList& list) noexcept {
  Block* const block = list.head;
  list.head = block->next;
  ++list.count;
  report(Misuse::double_free, block);
}

// The active slab's count has run down to 0: it is empty, or its count did not know.
STRATA_NOINLINE void free_event_of_active(ThreadHeap& heap, Slot* slot) noexcept {
  settle(heap, slab::class_of(slot));
  if (slot->list->live() != 0) return count_again(*slot->list);
  if (STRATA_UNLIKELY(was_never_taken(slot))) return refuse_last(*slot->list);
  retain(heap, slot);
}

STRATA_NOINLINE void free_last(ThreadHeap& heap, Slot* slot) noexcept {
  leave_available(heap, slot);
  release_slab(slot);
}

// The owner's frees have counted down to 0: the active slab is empty, or another has met one of its
// thresholds.
void free_event(Slot* slot) noexcept {
  slot = slot->first();
  ThreadHeap& heap = *thread_cache.heap;
  if (heap.active[slab::class_of(slot)] == slot) return free_event_of_active(heap, slot);
  if (slot->live() != 0) return thin_owned(heap, slot);
  free_last(heap, slot);
}

}  // namespace strata::heap
