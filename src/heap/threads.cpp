// Threads and process life: a thread's heap is made at its first miss and taken apart at its exit;
// fork leaves the child with one thread and no lock held.
#include "heap/state.hpp"

namespace strata::heap {

namespace {

// 0: nobody has begun, 1: begun. The first caller runs on_first_use; others need not wait, because
// the settings it reads have good defaults.
constinit Atomic<unsigned> used;

// Lets an owned slab go, whatever is in it.
void let_go(ThreadHeap& heap, Slot* slot) noexcept {
  for (;;) {
    if (slot->live() == 0) return release_slab(slot);
    if (slot->freed != nullptr || slab::has_uncarved(slot)) return let_go_partial(slot);
    if (let_go_full(heap, slot)) return;
    bring_in(slot);
  }
}

void release_locks() noexcept {
  slot_supply.lock().unlock();
  zero_sized_lock().unlock();
  state.strip_lock.unlock();
  huge_lock().unlock();
  for (unsigned c = class_count; --c != 0;) state.pools[c].lock().unlock();
  state.registry_lock.unlock();
  late.lock.unlock();
}

template <class M = Machine>
std::uint32_t thread_number() noexcept {
  if constexpr (requires { M::thread_number(); }) {
    return M::thread_number();
  } else {
    return 0;
  }
}

}  // namespace

STRATA_EARLY ThreadHeap* open_thread_heap() noexcept {
  if (on_first_use != nullptr) {
    unsigned expected = 0;
    if (used.compare_exchange(expected, 1, Order::acq_rel)) on_first_use();
    if (thread_cache.heap != nullptr) return thread_cache.heap;  // on_first_use allocated
  }
  if (mode != nullptr) return nullptr;
  ThreadHeap* heap = nullptr;
  {
    LockGuard guard(state.registry_lock);
    heap = state.heap_records.take();
    if (heap == nullptr) return nullptr;
    heap->thread = Machine::current_thread();
    heap->cache = &thread_cache;
    heap->number = thread_number();
    state.heaps.push_back(heap);
    [[maybe_unused]] const unsigned others = state.threads.fetch_add(1, Order::relaxed);
    if (Machine::has_worker && others != 0) slot_supply.allow_worker();
  }
  thread_cache.heap = heap;
  if (on_thread_start != nullptr) on_thread_start();
  return heap;
}

ThreadHeap* thread_heap() noexcept {
  if (STRATA_LIKELY(thread_cache.heap != nullptr)) return thread_cache.heap;
  return Machine::threads_end && thread_cache.finished ? nullptr : open_thread_heap();
}

void start() noexcept { thread_heap(); }

void finish_thread() noexcept {
  thread_cache.finished = true;
  if (mode != nullptr) mode->finish_thread();
  close_thread_heap();
}

void close_thread_heap() noexcept {
  ThreadHeap* const heap = thread_cache.heap;
  if (heap == nullptr) return;
  flush_outbox(*heap);
  for (unsigned c = 1; c < class_count; ++c) {
    if (heap->active[c] != nullptr) let_go(*heap, deactivate(*heap, c));
    while (Slot* const slot = heap->available[c].first()) {
      leave_available(*heap, slot);
      let_go(*heap, slot);
    }
  }
  close_strip(*heap);
  thread_cache.heap = nullptr;
  LockGuard guard(state.registry_lock);
  state.heaps.remove(heap);
  state.ended.add(heap->counts);
  state.threads.fetch_sub(1, Order::relaxed);
  state.heap_records.give(heap);
}

size_t trim(size_t keep) noexcept {
  if (mode != nullptr) return mode->trim(keep);
  if (ThreadHeap* const heap = thread_cache.heap; heap != nullptr) {
    flush_outbox(*heap);
    close_strip_if_empty(*heap);
    for (unsigned c = 1; c < class_count; ++c) {
      // Partly free slabs that wait: those with nothing live go back to the slots.
      for (unsigned waiting = heap->available_count[c]; waiting != 0; --waiting) {
        Slot* const slot = heap->available[c].first();
        leave_available(*heap, slot);
        bring_in(slot);
        if (slot->live() == 0) {
          release_slab(slot);
        } else {
          join_available(*heap, slot);
        }
      }
      Slot* const slot = heap->active[c];
      if (slot == nullptr) continue;
      settle(*heap, c);
      bring_in(slot);
      if (slot->list->live() == 0) release_slab(deactivate(*heap, c));
    }
  }
  return slot_supply.purge(keep);
}

void before_fork() noexcept {
  if (mode != nullptr) mode->before_fork();
  late.lock.lock();
  state.registry_lock.lock();
  for (unsigned c = 1; c < class_count; ++c) state.pools[c].lock().lock();
  huge_lock().lock();
  state.strip_lock.lock();
  zero_sized_lock().lock();
  slot_supply.lock().lock();
}

void after_fork_in_parent() noexcept {
  release_locks();
  if (mode != nullptr) mode->after_fork_in_parent();
}

void after_fork_in_child() noexcept {
  // Slabs of threads that do not exist here may have been in the middle of a change. Their blocks
  // stay valid and may be freed; the slabs are served by nobody any more.
  const Address me = Machine::current_thread();
  slot_supply.for_each_range([&](SlotRange& range) {
    for (Slot* slot = range.first_slot(); slot != range.end_slot(); ++slot) {
      if (slot->kind() == SlotKind::slab && slot->is_first() && !slot->owned_by(me) &&
          !slot->calls_for(me) && !slot->owned_by(Address(&late.heap))) {
        slot->set_owner(0);
      }
    }
  });
  slot_supply.forget_worker();
  sample::after_fork();
  ThreadHeap* const mine = thread_cache.heap;
  state.heaps = {};
  if (mine != nullptr) {
    state.heaps.push_back(mine);
    mine->number = thread_number();
  }
  state.threads.store(mine != nullptr ? 1 : 0, Order::relaxed);
  release_locks();
  if (mode != nullptr) mode->after_fork_in_child();
}

}  // namespace strata::heap
