// HugeZone: the end of a range that may lie on huge pages.
//
//        in use from the start                 the zone
//   |--------------------------------|-----------------------------| ... reserved
//   base      small pages          begin        huge pages
//
// A huge page is resident whole as soon as one byte of it is touched. Where a range has grown so far
// that this is little beside what it holds, its further growth is on huge pages: one page fault
// instead of 512, and far fewer translation misses. So small programs never have them.
//
// What goes back from between blocks in use leaves gaps, and the kernel would fill these again in
// its own time (khugepaged). When an eighth of the zone has gone like that, all of it is taken out
// of the zone, which begins anew where the range grows next; and when half of the zone's greatest
// extent is one free run, the zone is what it was.
//
// Slots are counted from the range's base, a multiple of the size of a huge page. Not thread-safe:
// the range's owner locks. Where the platform has no huge pages nothing of this is compiled.
#pragma once

#include "base/bits.hpp"
#include "base/units.hpp"
#include "platform/current.hpp"
#include "ranges/slot.hpp"

namespace strata {

class HugeZone {
 public:
  static constexpr size_t page = 2 * MiB;
  static constexpr size_t page_slots = page / slot_size;
  struct Slots {
    size_t first, end;
  };

  // For a range of `reserved` slots at `base`: the zone begins when `after` bytes are in the range.
  void open(Address base, size_t reserved, size_t after) noexcept {
    if constexpr (!Machine::has_huge_pages) return;
    *this = {};
    base_ = base;
    reserved_ = begin_ = lowest_ = reserved;
    after_ = after / slot_size;
    advise({0, reserved}, after == 0);
    if (after == 0) begin_ = lowest_ = 0;
  }

  // `step` slots are about to be committed behind `committed` slots, of which `held` are not the
  // range's own. Returns how many to commit: to the end of a huge page, within the zone.
  size_t grow(size_t committed, size_t held, size_t step) noexcept {
    if constexpr (!Machine::has_huge_pages) return step;
    if (begin_ == reserved_ && held >= after_) {
      const size_t begin = align_up(committed, page_slots);
      if (begin < reserved_) move_to(lowest_ = begin);
    }
    if (begin_ == reserved_) return step;
    return align_up(committed + step, page_slots) - committed;
  }

  // These slots were mapped anew.
  void remapped(Slots slots) noexcept {
    if constexpr (!Machine::has_huge_pages) return;
    const size_t border = slots.first > begin_ ? slots.first
                          : slots.end < begin_ ? slots.end
                                               : begin_;
    if (border > slots.first) advise({slots.first, border}, false);
    if (border < slots.end) advise({border, slots.end}, true);
  }

  // A run of `slots` free slots has formed; the range ends after `committed` slots.
  void found_free(size_t slots, size_t committed) noexcept {
    if constexpr (!Machine::has_huge_pages) return;
    if (STRATA_UNLIKELY(begin_ > lowest_) && slots * 2 >= committed - lowest_) move_to(lowest_);
  }

  // Of a free run these slots are to be purged: as many more as make whole huge pages.
  [[nodiscard]] Slots widened(Slots slots, Slots run) const noexcept {
    if constexpr (!Machine::has_huge_pages) return slots;
    if (slots.end <= begin_) return slots;
    const size_t first = align_down(slots.first, page_slots);
    const size_t end = align_up(slots.end, page_slots);
    return {first < run.first ? run.first : first, end > run.end ? run.end : end};
  }

  // These slots were purged; the range ends after `committed` slots.
  void purged(Slots slots, size_t committed) noexcept {
    if constexpr (!Machine::has_huge_pages) return;
    const size_t first = align_up(slots.first, page_slots);
    const size_t end = align_down(slots.end, page_slots);
    const size_t whole = end > first ? end - first : 0;
    parted(slots.first, (slots.end - slots.first - whole) * slot_size, committed);
  }

  // `bytes` in or behind a slot went back from between blocks in use.
  void parted(size_t slot, size_t bytes, size_t committed) noexcept {
    if constexpr (!Machine::has_huge_pages) return;
    if (slot < begin_) return;
    parted_ += bytes;
    if (parted_ > (committed - begin_) * slot_size / 8) move_to(align_up(committed, page_slots));
  }

 private:
  void move_to(size_t begin) noexcept {
    if (begin > reserved_) begin = reserved_;
    const bool more = begin < begin_;
    advise(more ? Slots{begin, begin_} : Slots{begin_, begin}, more);
    begin_ = begin;
    parted_ = 0;
  }
  void advise(Slots slots, bool allow) const noexcept {
    Machine::allow_huge_pages(base_ + slots.first * slot_size,
                              (slots.end - slots.first) * slot_size, allow);
  }

  Address base_ = 0;
  size_t reserved_ = 0;  // slots
  size_t after_ = 0;     // slots in the range before the zone begins
  size_t begin_ = 0;     // first slot of the zone; reserved_: there is none
  size_t lowest_ = 0;    // where it began first
  size_t parted_ = 0;    // bytes that went from between blocks since it began here
};

}  // namespace strata
