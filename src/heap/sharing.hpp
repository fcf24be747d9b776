// Sharing: who owns a slab, how a full one is let go, how a block freed by another thread gets
// home.
//
// Every slab has one 32-bit word, Slot::remote: the list of blocks that threads other than the
// owner freed (first block's granule in the slab + 1, and how many), and the slab's state.
//
//   state    owner field     who may touch list, count, uncarved    where the slab is found
//   owned    owning thread   the owner                              the owner's bins and lists
//   full     ~last owner     nobody (frozen)                        nowhere; its blocks lead to it
//   pooled   0               nobody (frozen)                        pool of its size class
//
//   transition               by                    how
//   a owned  -> full         the owner, when every owner := ~self, then CAS {none,0,owned} ->
//                            block is handed out   {none,0,full} (release). Fails when blocks
//                                                  came home: owner := self again, take them.
//   b owned  -> pooled       the owner: thread     owner := 0, then CAS keeping list and count
//                            exit, or too many     (release), then into the pool under its lock.
//   c full   -> owned        a thread freeing a    CAS {list,n,full} -> {none,0,owned} (acq_rel);
//                            block of the slab     the list is now its own, and so is what waits
//                                                  in its outbox; owner := self.
//   d full   -> pooled       the free whose batch  the CAS that pushes the batch also changes the
//                            makes enough blocks   state (acq_rel); the winner puts it in the pool.
//                            free (wake threshold)
//   e full   -> owned        the free whose batch  the CAS that pushes takes everything; the winner
//                            frees the last block  gives the slot back.
//   f pooled -> owned        a thread in need of   under the pool's lock: out of the pool, then
//                            the class             exchange to {none,0,owned} (acq_rel); the rest as
//                                                  in (c).
//   g pooled -> owned        the free that brings  under the pool's lock, if it is in the pool and
//                            the last block home   still has all blocks home: out, and to the
//                            slots.
//   h pooled -> owned        the free that leaves  under the pool's lock, if it is in the pool and
//                            few blocks alive      the class at rest: out, free pages to the
//                                                  system, then (b).
//
//   push to owned/pooled     any thread            CAS {list,n,s} -> {batch + list, n + m, s}
//                                                  (release: the links are written before)
//   take by the owner        the owner             exchange to {none,0,owned} (acquire)
//
// Why it is enough:
//  * `owner` is compared only with the reader's own number. A thread sees its own number there only
//    if it wrote it (a), (c) or (f) and has not let go: relaxed accesses do. (Numbers of threads
//    are addresses in one half of the address space, their complements lie in the other. Who finds
//    its own complement in a full slab has let it go itself.) In (a) and (b) the owner clears the
//    field BEFORE the state changes, because from then on another may write it.
//  * While a slab is full or pooled, the live count is frozen (full: all of its capacity), so that
//    `n == live` in the word means that every block is home. The frozen fields were written before
//    the release of (a) or (b), and every reader has acquired the word.
//  * Pushing on a list whose head went away and came back (ABA) is harmless: the batch is linked to
//    the head that the CAS found again. Nothing is ever popped singly from the shared list.
//  * Between (d)'s CAS and its insertion, another free may bring the last block home; whoever comes
//    second to the pool's lock, the inserter or that free (g), sees both facts and gives the slot
//    back, once. A free that comes with (g) to a slab that has lived on and is pooled again in the
//    same class finds true facts under the lock, or leaves it alone.
//
// tests/protocol explores every interleaving of this code over small slabs: hence the parameter
// Word, which is Atomic<uint32_t> everywhere else.
#pragma once

#include "base/atomic.hpp"
#include "base/attributes.hpp"
#include "heap/rest.hpp"
#include "ranges/slot.hpp"

namespace strata::sharing {

enum class State : std::uint32_t { owned = 0, full = 1, pooled = 2 };

// The word as three numbers: head (granule + 1, 0: none), count, state.
struct RemoteList {
  static constexpr unsigned head_bits = 17;
  static constexpr unsigned count_bits = 13;
  static_assert(most_slab_slots * granules_per_slot < 1U << head_bits);
  static_assert(granules_per_slot < 1U << count_bits);

  std::uint32_t raw = 0;

  static constexpr RemoteList make(std::uint32_t head, std::uint32_t count, State state) noexcept {
    return {head | count << head_bits | std::uint32_t(state) << (head_bits + count_bits)};
  }
  [[nodiscard]] constexpr std::uint32_t head() const noexcept {
    return raw & ((1U << head_bits) - 1);
  }
  [[nodiscard]] constexpr std::uint16_t count() const noexcept {
    return std::uint16_t(raw >> head_bits & ((1U << count_bits) - 1));
  }
  [[nodiscard]] constexpr State state() const noexcept {
    return State(raw >> (head_bits + count_bits));
  }
};

// A batch of blocks of one slab, linked through Block::next.
struct Batch {
  Block* first = nullptr;
  Block* last = nullptr;
  std::uint16_t count = 0;
};

inline Block* block_at(Address slab, std::uint32_t head) noexcept {
  return head == 0 ? nullptr
                   : reinterpret_cast<Block*>(slab + (Address(head - 1) << granule_shift));
}

// What the one who pushed has to do now.
enum class Pushed {
  done,        // nothing
  wake,        // (d) put the slab in its pool
  last,        // (e) the slab is yours, with every block home: give the slot back
  maybe_last,  // every block is home in a pooled slab: try (g)
  sparse,      // few blocks of a pooled slab are alive: try (h)
};

// How few live blocks are worth a look at a slab's free pages: a quarter, an eighth, a sixteenth of
// its capacity, and the last one of a slab of few.
constexpr std::uint16_t first_threshold(std::uint16_t capacity) noexcept {
  return std::uint16_t(capacity < 8 ? 1 : capacity / 4);
}
// The largest of the thresholds below `live`; 0 when there is none.
constexpr std::uint16_t next_threshold(std::uint16_t capacity, std::uint16_t live) noexcept {
  for (unsigned threshold = first_threshold(capacity); threshold >= capacity / 16U;
       threshold /= 2) {
    if (threshold < live) return std::uint16_t(threshold);
    if (threshold == 0) break;
  }
  return 0;
}

// `wake_count`: blocks home that make a full slab useful. `thins`: whether anybody gives back free
// pages of slabs that are partly used.
template <bool thins = true, class SlotType>
Pushed push(SlotType& slot, Address slab, const Batch& batch, std::uint16_t wake_count) noexcept {
  auto& word = slot.remote;
  // While the batch is ours the slab stays one; behind the CAS it may be something else.
  const std::uint16_t capacity = slot.capacity();
  std::uint32_t found = word.load(Order::acquire);
  for (;;) {
    const RemoteList list{found};
    const auto total = std::uint16_t(list.count() + batch.count);
    const auto head = std::uint32_t((Address(batch.first) - slab) >> granule_shift) + 1;
    batch.last->next = block_at(slab, list.head());

    auto wanted = RemoteList::make(head, total, list.state());
    auto result = Pushed::done;
    if (list.state() == State::full) {
      if (total == capacity) {
        wanted = RemoteList::make(0, 0, State::owned);
        result = Pushed::last;
      } else if (total >= wake_count) {
        wanted = RemoteList::make(head, total, State::pooled);
        result = Pushed::wake;
      }
    }
    if (!word.compare_exchange(found, wanted.raw, Order::acq_rel)) continue;
    // Only now: before, the same word may have stood for an earlier stay in the pool, with another
    // live count. If somebody takes the slab meanwhile the number is of no use to anybody, and
    // maybe_last asks again under the pool's lock.
    if (list.state() == State::pooled) {
      const std::uint16_t live = slot.live();
      if (total == live) return Pushed::maybe_last;
      if constexpr (!thins) return result;
      const auto before = std::uint16_t(live - list.count());
      const auto after = std::uint16_t(live - total);
      if (total < live && after <= next_threshold(capacity, before)) return Pushed::sparse;
    }
    return result;
  }
}

// The owner takes what came home. Returns the list; adds nothing to the slab's fields.
template <class Word>
RemoteList take(Word& word) noexcept {
  if (RemoteList{word.load(Order::relaxed)}.head() == 0) return {};
  return {word.exchange(RemoteList::make(0, 0, State::owned).raw, Order::acquire)};
}

// (a) The caller has cleared the owner field. False: blocks came home, the slab is still its own.
template <class Word>
bool let_go_full(Word& word) noexcept {
  std::uint32_t expected = RemoteList::make(0, 0, State::owned).raw;
  return word.compare_exchange(expected, RemoteList::make(0, 0, State::full).raw, Order::release);
}

// (b) The caller has cleared the owner field, and puts the slab in the pool afterwards.
template <class Word>
void let_go_pooled(Word& word) noexcept {
  std::uint32_t found = word.load(Order::relaxed);
  for (;;) {
    const RemoteList list{found};
    const auto wanted = RemoteList::make(list.head(), list.count(), State::pooled);
    if (word.compare_exchange(found, wanted.raw, Order::acq_rel)) return;
  }
}

// (c) True: the slab is the caller's, and `list` what had come home.
template <class Word>
bool adopt_full(Word& word, RemoteList& list) noexcept {
  std::uint32_t found = word.load(Order::relaxed);
  while (RemoteList{found}.state() == State::full) {
    if (word.compare_exchange(found, RemoteList::make(0, 0, State::owned).raw, Order::acq_rel)) {
      list = {found};
      return true;
    }
  }
  return false;
}

// The pool of one size class: partly free slabs that nobody owns, oldest first. SlotType has
// in_pool, capacity(), twice_class, live(), remote, next and previous.
template <class SlotType, class Lock, template <class> class ListOf>
class Pool {
 public:
  // Puts a slab in that its caller has turned `pooled`. False: every block has come home; the slab
  // is the caller's (owned), to be given back.
  bool insert(SlotType* slot) noexcept {
    lock_.lock();
    const bool last_block_home =
        RemoteList{slot->remote.load(Order::acquire)}.count() == slot->live();
    if (last_block_home) {
      slot->remote.exchange(RemoteList::make(0, 0, State::owned).raw, Order::acq_rel);
    } else {
      slot->in_pool = true;
      slots_.push_back(slot);
      count_.store(count_.load(Order::relaxed) + 1, Order::relaxed);
    }
    lock_.unlock();
    return !last_block_home;
  }

  // (f) The slab that has waited longest and what came home to it, or nullptr.
  SlotType* take(RemoteList& list) noexcept {
    if (count_.load(Order::relaxed) == 0) return nullptr;  // a hint: a miss costs one new slab
    lock_.lock();
    SlotType* slot = slots_.first();
    if (slot != nullptr) {
      list = remove(slot);
      rest_.use();
    }
    lock_.unlock();
    return slot;
  }

  // (g) After Pushed::maybe_last. True: the slab is the caller's, every block home.
  bool take_if_all_home(SlotType* slot, unsigned size_class) noexcept {
    lock_.lock();
    const RemoteList list{slot->remote.load(Order::acquire)};
    const bool all_home = slot->in_pool && slot->twice_class == 2 * size_class &&
                          list.state() == State::pooled && list.count() == slot->live();
    if (all_home) remove(slot);
    lock_.unlock();
    return all_home;
  }

  // (h) After Pushed::sparse. True: the slab is the caller's, and `list` what had come home. False
  // also while the pool has been taken from in the last `patience` milliseconds: then the class is
  // in use, and the slab will soon be too.
  bool take_idle(SlotType* slot, unsigned size_class, std::uint32_t patience, std::uint32_t now,
                 RemoteList& list) noexcept {
    lock_.lock();
    const bool taken =
        slot->in_pool && slot->twice_class == 2 * size_class && rest_.lasts_for(patience, now);
    if (taken) list = remove(slot);
    lock_.unlock();
    return taken;
  }

  [[nodiscard]] unsigned count() const noexcept { return count_.load(Order::relaxed); }
  Lock& lock() noexcept { return lock_; }

 private:
  RemoteList remove(SlotType* slot) noexcept {
    slots_.remove(slot);
    slot->in_pool = false;
    count_.store(count_.load(Order::relaxed) - 1, Order::relaxed);
    return {slot->remote.exchange(RemoteList::make(0, 0, State::owned).raw, Order::acq_rel)};
  }

  Lock lock_;
  ListOf<SlotType> slots_;
  Rest rest_;               // used whenever a slab is taken
  Atomic<unsigned> count_;  // written under the lock
};

// A batch of blocks goes home to a slab the caller does not own. `release(slot)` is called when the
// slab is the caller's with every block home; `thin(slot, size_class)` when it is pooled with few
// blocks alive.
template <bool thins = true, class SlotType, class ClassPool, class Release, class Thin>
void bring_home(SlotType* slot, Address slab, unsigned size_class, const Batch& batch,
                std::uint16_t wake_count, ClassPool& pool, Release&& release,
                Thin&& thin) noexcept {
  switch (push<thins>(*slot, slab, batch, wake_count)) {
    case Pushed::done:
      return;
    case Pushed::wake:
      if (pool.insert(slot)) return;
      break;
    case Pushed::last:
      break;
    case Pushed::maybe_last:
      if (!pool.take_if_all_home(slot, size_class)) return;
      break;
    case Pushed::sparse:
      return thin(slot, size_class);
  }
  release(slot);
}

// (b) The owner lets a partly free slab go: into the pool, or to `release` if the last block came
// home meanwhile. The slab's fields are as the next owner shall find them.
template <class SlotType, class ClassPool, class Release>
void let_go_partial(SlotType* slot, ClassPool& pool, Release&& release) noexcept {
  slot->set_owner(0);
  let_go_pooled(slot->remote);
  if (!pool.insert(slot)) release(slot);
}

// (a) The owner lets a full slab go. False: blocks have come home, it is still the owner's.
template <class SlotType>
bool let_go_full(SlotType* slot, Address owner) noexcept {
  slot->set_owner(~owner);
  if (let_go_full(slot->remote)) return true;
  slot->set_owner(owner);
  return false;
}

}  // namespace strata::sharing
