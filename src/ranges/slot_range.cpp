// Runs of slots in one reserved range. See slot_range.hpp.
#include "ranges/slot_range.hpp"

#include "base/bits.hpp"
#include "platform/current.hpp"

namespace strata {
namespace {

// The slot array is committed in steps: 64 KiB of it describe 64 MiB.
constexpr size_t array_step = 64 * KiB;

}  // namespace

bool SlotRange::open(size_t bytes) noexcept {
  bytes = align_up(bytes, slot_size);
  const Address base = Machine::reserve(bytes, alignment);
  if (base == 0) return false;
  reserved_ = bytes / slot_size;
  // One spare slot behind the last, so that a neighbour may always be looked at.
  const size_t array_bytes = align_up((reserved_ + 1) * sizeof(Slot), slot_size);
  first_ = committed_ = array_bytes / slot_size;
  array_committed_ = 0;
  slots_ = reinterpret_cast<Slot*>(base);
  clean_tags_.array = slots_;
  dirty_tags_.array = slots_;
  return true;
}

bool SlotRange::grow(size_t slots, size_t commit_step) noexcept {
  // The last committed run may be free and clean: only the rest is missing.
  size_t wanted = slots;
  if (committed_ > first_) {
    if (Slot* last = clean_tags_.free_before(slots_ + committed_); last != nullptr) {
      wanted = last->length >= slots ? 1 : slots - last->length;
    }
  }
  const size_t room = reserved_ - committed_;
  if (wanted > room) return false;
  size_t step = wanted > commit_step ? wanted : commit_step;
  if (step > room) step = room;

  for (;;) {
    const size_t array_end =
        align_up((committed_ + step + 1) * sizeof(Slot), array_step < Machine::page_size()
                                                             ? Machine::page_size()
                                                             : array_step);
    const bool described =
        array_end <= array_committed_ ||
        Machine::commit(base() + array_committed_, array_end - array_committed_);
    if (described && array_end > array_committed_) array_committed_ = array_end;
    if (described &&
        Machine::commit(base() + committed_ * slot_size, step * slot_size)) {
      break;
    }
    if (step == wanted) return false;
    step = wanted;
  }
  Slot* run = slots_ + committed_;
  committed_ += step;
  clean_.give(clean_tags_, run, step);
  return true;
}

size_t SlotRange::touched_units(const Slot* run, size_t slots) noexcept {
  size_t units = 0;
  for (size_t i = 0; i < slots; ++i) units += run[i].touched;
  return units;
}

void SlotRange::unlink_age(Slot* run) noexcept {
  (run->older != nullptr ? run->older->newer : oldest_) = run->newer;
  (run->newer != nullptr ? run->newer->older : newest_) = run->older;
}

void SlotRange::link_newest(Slot* run) noexcept {
  run->older = newest_;
  run->newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = run;
  newest_ = run;
}

Slot* SlotRange::take_from_dirty(size_t slots, size_t alignment_slots) noexcept {
  Slot* run = dirty_.take_aligned(dirty_tags_, slots, alignment_slots);
  if (run == nullptr) return nullptr;
  // The core cut the run out of a longer one: the age list holds the longer one's first slot,
  // which is either our run or a free run that begins before it.
  dirty_units_ -= touched_units(run, slots);
  Slot* before = dirty_tags_.free_before(run);
  Slot* after = dirty_tags_.free_after(run, slots);
  if (before == nullptr) {
    Slot* const older = run->older;
    Slot* const newer = run->newer;
    const std::uint32_t time = run->time;
    unlink_age(run);
    if (after != nullptr) {  // the rest keeps its age
      after->older = older;
      after->newer = newer;
      after->time = time;
      (older != nullptr ? older->newer : oldest_) = after;
      (newer != nullptr ? newer->older : newest_) = after;
    }
  } else if (after != nullptr) {
    after->time = before->time;
    link_newest(after);
  }
  return run;
}

Slot* SlotRange::take(size_t slots, size_t alignment_slots, size_t commit_step) noexcept {
  Slot* run = take_from_dirty(slots, alignment_slots);
  if (run == nullptr) run = clean_.take_aligned(clean_tags_, slots, alignment_slots);
  if (run == nullptr && grow(slots + alignment_slots - 1, commit_step)) {
    run = clean_.take_aligned(clean_tags_, slots, alignment_slots);
  }
  return run;
}

bool SlotRange::extend(Slot* run, size_t slots, size_t new_slots) noexcept {
  const size_t more = new_slots - slots;
  Slot* end = run + slots;
  if (end == slots_ + committed_ && !grow(more, more)) return false;
  if (Slot* after = clean_tags_.free_after(run, slots); after != nullptr) {
    if (after->length < more) {
      if (after + after->length != slots_ + committed_ || !grow(more, more)) return false;
      if (after->length < more) return false;
    }
    clean_.take_front(clean_tags_, after, more);
    return true;
  }
  if (Slot* after = dirty_tags_.free_after(run, slots); after != nullptr && after->length >= more) {
    const std::uint32_t time = after->time;
    const size_t length = take_dirty(after);
    if (length > more) give(after + more, length - more, time);
    return true;
  }
  return false;
}

void SlotRange::give(Slot* run, size_t slots, std::uint32_t now) noexcept {
  const size_t touched = touched_units(run, slots);
  run->twice_class = no_class;
  if (touched == 0) {
    give_clean(run, slots);
    return;
  }
  dirty_units_ += touched;
  if (Slot* after = dirty_tags_.free_after(run, slots); after != nullptr) unlink_age(after);
  if (Slot* before = dirty_tags_.free_before(run); before != nullptr) unlink_age(before);
  Slot* joined = dirty_.give(dirty_tags_, run, slots);
  joined->time = now;
  link_newest(joined);
}

size_t SlotRange::take_dirty(Slot* run) noexcept {
  unlink_age(run);
  const size_t slots = dirty_.take_whole(dirty_tags_, run);
  dirty_units_ -= touched_units(run, slots);
  return slots;
}

void SlotRange::give_clean(Slot* run, size_t slots) noexcept {
  clean_.give(clean_tags_, run, slots);
}

bool SlotRange::check() noexcept {
  size_t units = 0;
  size_t slots = 0;
  for (Slot* run = oldest_; run != nullptr; run = run->newer) {
    units += touched_units(run, run->length);
    slots += run->length;
  }
  return clean_.check(clean_tags_) && dirty_.check(dirty_tags_) && units == dirty_units_ &&
         slots == dirty_.free_units();
}

}  // namespace strata
