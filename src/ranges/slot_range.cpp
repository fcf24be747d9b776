// Runs of slots in one reserved range. See slot_range.hpp.
#include "ranges/slot_range.hpp"

#include "base/bits.hpp"
#include "platform/current.hpp"
#include "ranges/settings.hpp"

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
  tags_.array = slots_;
  huge_zone_.open(base, reserved_, range_settings.huge_pages_after);
  return true;
}

bool SlotRange::grow(size_t slots, size_t commit_step) noexcept {
  // The last committed run may be free: only the rest is missing.
  size_t wanted = slots;
  if (committed_ > first_) {
    if (Slot* last = tags_.free_before(slots_ + committed_); last != nullptr) {
      wanted = last->length >= slots ? 1 : slots - last->length;
    }
  }
  const size_t room = reserved_ - committed_;
  if (wanted > room) return false;
  size_t step = wanted > commit_step ? wanted : commit_step;
  step = huge_zone_.grow(committed_, committed_ - first_, step);
  if (step > room) step = room;

  const size_t page = Machine::page_size();
  for (;;) {
    const size_t array_end =
        align_up((committed_ + step + 1) * sizeof(Slot), array_step < page ? page : array_step);
    const bool described = array_end <= array_committed_ ||
                           Machine::commit(base() + array_committed_, array_end - array_committed_);
    if (described && array_end > array_committed_) array_committed_ = array_end;
    if (described && (!Machine::commits_lazily ||
                      Machine::commit(base() + committed_ * slot_size, step * slot_size))) {
      break;
    }
    if (step == wanted) return false;
    step = wanted;
  }
  Slot* const run = slots_ + committed_;
  __atomic_store_n(&committed_, committed_ + step, __ATOMIC_RELAXED);
  insert(run, step, 0, 0);
  return true;
}

bool SlotRange::back(Slot* run, size_t slots) noexcept {
  if constexpr (Machine::commits_lazily) return true;
  for (size_t i = 0; i < slots;) {
    size_t end = i;
    while (end < slots && run[end].written == 0) ++end;
    if (end != i && !Machine::commit(address_of(run + i), (end - i) * slot_size)) {
      // What was committed so far goes back as dirty: the rest still says that it is not.
      insert(run, slots, written_units(run, slots), 0);
      return false;
    }
    for (; i < end; ++i) run[i].written = all_units;
    while (i < slots && run[i].written != 0) ++i;
  }
  return true;
}

std::uint32_t SlotRange::written_units(const Slot* run, size_t slots) noexcept {
  std::uint32_t units = 0;
  for (size_t i = 0; i < slots; ++i) units += count_units(run[i].written);
  return units;
}

void SlotRange::unlink_age(Slot* run) noexcept {
  (run->older != nullptr ? run->older->newer : oldest_) = run->newer;
  (run->newer != nullptr ? run->newer->older : newest_) = run->older;
}

// Behind all that are as old or older. New runs are the newest; one that was joined with an older
// one finds its place near the front, so both ends are tried.
void SlotRange::link_age(Slot* run) noexcept {
  Slot* before = newest_;
  if (before != nullptr && std::int32_t(before->time - run->time) > 0) {
    before = nullptr;
    for (Slot* next = oldest_; std::int32_t(next->time - run->time) <= 0; next = next->newer) {
      before = next;
    }
  }
  run->older = before;
  run->newer = before != nullptr ? before->newer : oldest_;
  (run->newer != nullptr ? run->newer->older : newest_) = run;
  (before != nullptr ? before->newer : oldest_) = run;
}

void SlotRange::insert(Slot* run, size_t slots, std::uint32_t dirty, std::uint32_t time) noexcept {
  dirty_units_ += dirty;
  Slot* const neighbours[] = {tags_.free_before(run), tags_.free_after(run, slots)};
  for (Slot* const neighbour : neighbours) {
    if (neighbour == nullptr || neighbour->dirty == 0) continue;
    unlink_age(neighbour);
    if (dirty == 0 || std::int32_t(neighbour->time - time) < 0) time = neighbour->time;
    dirty += neighbour->dirty;
  }
  Slot* const joined = free_.give(tags_, run, slots);
  joined->dirty = dirty;
  joined->time = time;
  if (dirty != 0) link_age(joined);
  huge_zone_.found_free(joined->length, committed_);
}

// The core has cut `taken` out of the free run `run` (whose first slot may be `taken` itself) and
// kept what is left on both sides. Settles what is dirty where.
void SlotRange::cut(Slot* run, Slot* taken, size_t slots) noexcept {
  if (run->dirty == 0) {
    if (Slot* const after = tags_.free_after(taken, slots); after != nullptr) after->dirty = 0;
    return;
  }
  const std::uint32_t whole = run->dirty;
  const std::uint32_t time = run->time;
  const std::uint32_t gone = written_units(taken, slots);
  unlink_age(run);
  dirty_units_ -= gone;
  const size_t ahead = size_t(taken - run);
  const std::uint32_t before = written_units(run, ahead);
  if (ahead != 0) {
    run->dirty = before;
    run->time = time;
    if (before != 0) link_age(run);
  }
  if (Slot* const after = tags_.free_after(taken, slots); after != nullptr) {
    after->dirty = whole - gone - before;
    after->time = time;
    if (after->dirty != 0) link_age(after);
  }
}

Slot* SlotRange::take(size_t slots, size_t alignment_slots, size_t commit_step) noexcept {
  auto taken = free_.take_cut(tags_, slots, alignment_slots);
  if (taken.span == nullptr && grow(slots + alignment_slots - 1, commit_step)) {
    taken = free_.take_cut(tags_, slots, alignment_slots);
  }
  if (taken.span == nullptr) return nullptr;
  cut(taken.from, taken.span, slots);
  return back(taken.span, slots) ? taken.span : nullptr;
}

bool SlotRange::extend(Slot* run, size_t slots, size_t new_slots) noexcept {
  const size_t more = new_slots - slots;
  Slot* after = tags_.free_after(run, slots);
  const bool at_end = run + slots == slots_ + committed_ ||
                      (after != nullptr && after + after->length == slots_ + committed_);
  if ((after == nullptr || after->length < more) && (!at_end || !grow(more, more))) return false;
  after = tags_.free_after(run, slots);
  if (after == nullptr || after->length < more) return false;
  free_.take_front(tags_, after, more);
  cut(after, after, more);
  return back(after, more);
}

void SlotRange::give(Slot* run, size_t slots, std::uint32_t now) noexcept {
  run->twice_class = no_class;
  insert(run, slots, written_units(run, slots), now);
}

SlotRange::Run SlotRange::take_dirty(Slot* run, size_t units) noexcept {
  // From the end, as far as needed; clean slots at the end are left out.
  Slot* end = run + run->length;
  while (end[-1].written == 0) --end;
  Slot* first = end;
  size_t found = 0;
  while (first != run && found < units) found += count_units((--first)->written);
  const HugeZone::Slots wanted{size_t(first - slots_), size_t(end - slots_)};
  const auto low = size_t(run - slots_);
  const HugeZone::Slots given = huge_zone_.widened(wanted, {low, low + run->length});
  first = slots_ + given.first;
  const size_t slots = given.end - given.first;
  free_.take_at(tags_, run, size_t(first - run), slots);
  cut(run, first, slots);
  return {first, slots};
}

void SlotRange::give_purged(Run run) noexcept {
  for (size_t i = 0; i < run.slots; ++i) run.first[i].written = 0;
  const auto first = size_t(run.first - slots_);
  huge_zone_.purged({first, first + run.slots}, committed_);
  insert(run.first, run.slots, 0, 0);
}

size_t SlotRange::shrink() noexcept {
  if (committed_ == first_) return 0;
  Slot* const run = tags_.free_before(slots_ + committed_);
  if (run == nullptr) return 0;
  const size_t slots = run->length;
  free_.take_whole(tags_, run);
  cut(run, run, slots);
  if (!Machine::decommit(address_of(run), slots * slot_size)) {
    insert(run, slots, written_units(run, slots), run->time);
    return 0;
  }
  for (size_t i = 0; i < slots; ++i) run[i].written = 0;
  committed_ -= slots;
  huge_zone_.remapped({committed_, committed_ + slots});
  return slots * slot_size;
}

void SlotRange::close() noexcept {
  const Address start = base();
  const size_t bytes = reserved_ * slot_size;
  // Readers without a lock ask for nothing that lies in a range without blocks; they must only
  // find it closed or whole.
  __atomic_store_n(&committed_, 0, __ATOMIC_RELEASE);
  slots_ = nullptr;
  Machine::release(start, bytes);
  reserved_ = first_ = array_committed_ = dirty_units_ = 0;
  oldest_ = newest_ = nullptr;
  free_ = {};
}

bool SlotRange::check() noexcept {
  size_t units = 0;
  bool good = free_.check(tags_);
  std::uint32_t time = oldest_ != nullptr ? oldest_->time : 0;
  for (Slot* run = oldest_; run != nullptr; run = run->newer) {
    good &= run->kind() == SlotKind::free_first && run->dirty == written_units(run, run->length);
    good &= std::int32_t(run->time - time) >= 0;
    time = run->time;
    units += run->dirty;
  }
  return good && units == dirty_units_;
}

}  // namespace strata
