// SlotRange: one reserved range of addresses cut in 64 KiB slots; hands out runs of slots.
//
// Free runs are clean (never touched, or purged: they read zero) or dirty (resident, with old data),
// and stand in two span cores over the same slot array. Taking prefers dirty runs, which cost no
// page faults; then clean ones; then commits more of the range, in growing steps.
//
//            commit            take                give
//   reserved ------> clean run ----> run in use ---------> dirty run (or clean, if untouched)
//                       ^                                      |
//                       +-------------- purge <----------------+   oldest first
//
// Not thread-safe: SlotRanges (ranges.hpp) locks. O(1), but for the O(run) walk over the slots of
// a run that is given back, which sums up what is dirty in it.
#pragma once

#include "base/units.hpp"
#include "ranges/slot.hpp"
#include "span/span_core.hpp"

namespace strata {

// The tag store of the span core: tags stand in the slots themselves, out of band.
template <SlotKind First, SlotKind Last>
struct SlotTags {
  using Span = Slot*;
  static constexpr Span none = nullptr;

  // Slots start at multiples of 64 KiB and the array starts at such a multiple too, so the index
  // modulo any alignment up to the range's own is the position modulo that alignment.
  size_t position(Span run) noexcept { return size_t(run - array); }
  size_t length(Span run) noexcept { return run->length; }
  Span free_before(Span run) noexcept {
    Slot* last = run - 1;
    if (last->kind == First) return last;  // a run of one slot
    return last->kind == Last ? last - (last->length - 1) : none;
  }
  Span free_after(Span run, size_t slots) noexcept {
    Slot* after = run + slots;
    return after->kind == First ? after : none;
  }
  Span advance(Span run, size_t slots) noexcept { return run + slots; }
  void mark_free(Span run, size_t slots) noexcept {
    run->kind = First;
    run->length = std::uint32_t(slots);
    if (slots > 1) {
      run[slots - 1].kind = Last;
      run[slots - 1].length = std::uint32_t(slots);
    }
  }
  void mark_used(Span run, size_t slots) noexcept {
    run->kind = SlotKind::none;
    run[slots - 1].kind = SlotKind::none;
  }
  Span& next(Span run) noexcept { return run->next; }
  Span& previous(Span run) noexcept { return run->previous; }

  Slot* array = nullptr;
};

class SlotRange {
 public:
  static constexpr size_t alignment = 2 * MiB;

  // Reserves `bytes` of addresses and commits the start. False when refused. bytes >= 1 MiB.
  bool open(size_t bytes) noexcept;

  [[nodiscard]] bool is_open() const noexcept { return slots_ != nullptr; }
  [[nodiscard]] Address base() const noexcept { return Address(slots_); }
  // Addresses [base, base + committed_bytes) are usable or under the slot array.
  [[nodiscard]] size_t committed_bytes() const noexcept { return committed_ * slot_size; }
  [[nodiscard]] size_t reserved_slots() const noexcept { return reserved_; }
  [[nodiscard]] bool holds(Address address) const noexcept {
    return address - base() < committed_bytes();
  }
  [[nodiscard]] Slot* slot_of(Address address) const noexcept {
    return slots_ + ((address - base()) >> slot_shift);
  }
  [[nodiscard]] Address address_of(const Slot* slot) const noexcept {
    return base() + (Address(slot - slots_) << slot_shift);
  }
  [[nodiscard]] bool holds_slot(const Slot* slot) const noexcept {
    return slot >= slots_ && slot < slots_ + committed_;
  }
  // First slot that can be handed out, and the end of the committed ones: for walking.
  [[nodiscard]] Slot* first_slot() const noexcept { return slots_ + first_; }
  [[nodiscard]] Slot* end_slot() const noexcept { return slots_ + committed_; }

  // A run of `slots` slots whose address is a multiple of `alignment_slots` slots, or nullptr when
  // the range is full or memory is refused. The run's kind is `none`; the caller sets it.
  Slot* take(size_t slots, size_t alignment_slots, size_t commit_step) noexcept;
  // Makes the run longer in place. True when [run, run + new_slots) is now the caller's.
  bool extend(Slot* run, size_t slots, size_t new_slots) noexcept;
  // Gives a run back. Each slot's `touched` says what may be dirty.
  void give(Slot* run, size_t slots, std::uint32_t now) noexcept;

  // The longest-unused dirty run, or nullptr.
  [[nodiscard]] Slot* oldest_dirty() const noexcept { return oldest_; }
  // Takes a dirty run out for purging (nobody else sees it meanwhile); give_clean puts it back
  // when its pages are gone. Returns its length in slots.
  size_t take_dirty(Slot* run) noexcept;
  void give_clean(Slot* run, size_t slots) noexcept;

  // Bytes that lie in dirty runs and may be resident.
  [[nodiscard]] size_t dirty_bytes() const noexcept { return dirty_units_ * carve_unit; }
  [[nodiscard]] size_t used_slots() const noexcept {
    return committed_ - first_ - clean_.free_units() - dirty_.free_units();
  }
  [[nodiscard]] size_t dirty_slots() const noexcept { return dirty_.free_units(); }
  [[nodiscard]] bool check() noexcept;

 private:
  bool grow(size_t slots, size_t commit_step) noexcept;
  void unlink_age(Slot* run) noexcept;
  void link_newest(Slot* run) noexcept;
  static size_t touched_units(const Slot* run, size_t slots) noexcept;
  Slot* take_from_dirty(size_t slots, size_t alignment_slots) noexcept;

  Slot* slots_ = nullptr;
  size_t reserved_ = 0;            // slots in the range, the array's own included
  size_t first_ = 0;               // first slot behind the array
  size_t committed_ = 0;           // slots [first_, committed_) are committed
  size_t array_committed_ = 0;     // bytes of the slot array that are committed
  size_t dirty_units_ = 0;
  Slot* oldest_ = nullptr;
  Slot* newest_ = nullptr;
  using CleanTags = SlotTags<SlotKind::clean_first, SlotKind::clean_last>;
  using DirtyTags = SlotTags<SlotKind::dirty_first, SlotKind::dirty_last>;
  CleanTags clean_tags_;
  DirtyTags dirty_tags_;
  SpanCore<CleanTags, 26> clean_;
  SpanCore<DirtyTags, 26> dirty_;
};

}  // namespace strata
