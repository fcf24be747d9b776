// SlotRange: one reserved range of addresses cut in 64 KiB slots; hands out runs of slots.
//
// Free runs stand in one span core over the slot array. A slot knows how much of it may be resident
// with old data (`written`), so a run may be partly dirty; runs with dirty slots are also listed by
// age, for purging. Taking prefers what fits closest, which tends to be what was freed last, and
// commits more of the range, in growing steps, when nothing fits.
//
//            commit           take                give
//   reserved ------> free run ----> run in use ---------> free run, dirty as far as touched
//                       ^                                      |
//                       +-------------- purge <----------------+   oldest first, in part
//
// Not thread-safe: SlotSupply (slot_supply.hpp) locks. O(1), but for the walk over the slots of the
// run that is taken or given back, which sums up what is dirty in it.
#pragma once

#include "base/units.hpp"
#include "ranges/huge_zone.hpp"
#include "ranges/slot.hpp"
#include "span/span_core.hpp"

namespace strata {

// The tag store of the span core: tags stand in the slots themselves, out of band.
struct SlotTags {
  using Span = Slot*;
  static constexpr Span none = nullptr;

  // Slots start at multiples of 64 KiB and the array starts at such a multiple too, so the index
  // modulo any alignment up to the range's own is the position modulo that alignment.
  size_t position(Span run) noexcept { return size_t(run - array); }
  size_t length(Span run) noexcept { return run->length; }
  Span free_before(Span run) noexcept {
    Slot* last = run - 1;
    if (last->kind() == SlotKind::free_first) return last;  // a run of one slot
    return last->kind() == SlotKind::free_last ? last - (last->length - 1) : none;
  }
  Span free_after(Span run, size_t slots) noexcept {
    Slot* after = run + slots;
    return after->kind() == SlotKind::free_first ? after : none;
  }
  Span advance(Span run, size_t slots) noexcept { return run + slots; }
  void mark_free(Span run, size_t slots) noexcept {
    run->set_kind(SlotKind::free_first);
    run->length = std::uint32_t(slots);
    if (slots > 1) {
      run[slots - 1].set_kind(SlotKind::free_last);
      run[slots - 1].length = std::uint32_t(slots);
    }
  }
  void mark_used(Span run, size_t slots) noexcept {
    run->set_kind(SlotKind::none);
    run[slots - 1].set_kind(SlotKind::none);
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
  // Grows under the supply's lock and is read without: relaxed, for whoever has a pointer into the
  // range had it after the growth.
  [[nodiscard]] size_t committed_bytes() const noexcept {
    return __atomic_load_n(&committed_, __ATOMIC_RELAXED) * slot_size;
  }
  [[nodiscard]] size_t reserved_slots() const noexcept { return reserved_; }
  [[nodiscard]] size_t uncommitted_slots() const noexcept { return reserved_ - committed_; }
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
    return slot >= slots_ && slot < end_slot();
  }
  // First slot that can be handed out, and the end of the committed ones: for walking.
  [[nodiscard]] Slot* first_slot() const noexcept { return slots_ + first_; }
  [[nodiscard]] Slot* end_slot() const noexcept {
    return slots_ + __atomic_load_n(&committed_, __ATOMIC_RELAXED);
  }

  // A run of `slots` slots whose address is a multiple of `alignment_slots` slots, or nullptr when
  // the range is full or memory is refused. The run's kind is `none`; the caller sets it.
  Slot* take(size_t slots, size_t alignment_slots, size_t commit_step) noexcept;
  // Makes the run longer in place. True when [run, run + new_slots) is now the caller's.
  bool extend(Slot* run, size_t slots, size_t new_slots) noexcept;
  // Gives a run back. Each slot's `written` says what may be dirty.
  void give(Slot* run, size_t slots, std::uint32_t now) noexcept;

  // The run whose dirty pages have been free longest, or nullptr.
  [[nodiscard]] Slot* oldest_dirty() const noexcept { return oldest_; }
  // Takes dirty slots out of the run for purging, at least `units` of 4 KiB if there are so many
  // and from its end: nobody else sees them meanwhile. give_purged puts them back.
  struct Run {
    Slot* first;
    size_t slots;
  };
  Run take_dirty(Slot* run, size_t units) noexcept;
  void give_purged(Run run) noexcept;

  // Pages of a run in use were given back.
  void note_purged_within(const Slot* run, size_t bytes) noexcept {
    huge_zone_.parted(size_t(run - slots_), bytes, committed_);
  }

  // Where memory or addresses are short: gives the free run at the committed end back, pages,
  // charge and all. Returns its bytes.
  size_t shrink() noexcept;
  // Gives a range without a run in use back whole; it may be opened again.
  void close() noexcept;

  // Bytes of free runs that may be resident.
  [[nodiscard]] size_t dirty_bytes() const noexcept { return dirty_units_ * carve_unit; }
  [[nodiscard]] size_t used_slots() const noexcept {
    return committed_ - first_ - free_.free_units();
  }
  [[nodiscard]] bool check() noexcept;

 private:
  bool grow(size_t slots, size_t commit_step) noexcept;
  // Commits what of a taken run is not yet, where free slots that are clean are not committed: from
  // then on all of a slot counts as touched. False: memory was refused, and the run is free again.
  bool back(Slot* run, size_t slots) noexcept;
  void unlink_age(Slot* run) noexcept;
  void link_age(Slot* run) noexcept;
  // Puts a run into the core, joined with its neighbours; `dirty` units of it are written.
  void insert(Slot* run, size_t slots, std::uint32_t dirty, std::uint32_t time) noexcept;
  // Takes [taken, + slots) out of the free run around it.
  void cut(Slot* run, Slot* taken, size_t slots) noexcept;
  static std::uint32_t written_units(const Slot* run, size_t slots) noexcept;

  Slot* slots_ = nullptr;
  size_t reserved_ = 0;         // slots in the range, the array's own included
  size_t first_ = 0;            // first slot behind the array
  size_t committed_ = 0;        // slots [first_, committed_) are committed
  size_t array_committed_ = 0;  // bytes of the slot array that are committed
  size_t dirty_units_ = 0;
  Slot* oldest_ = nullptr;
  Slot* newest_ = nullptr;
  SlotTags tags_;
  HugeZone huge_zone_;
  SpanCore<SlotTags, 26> free_;
};

}  // namespace strata
