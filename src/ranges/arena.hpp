// Arena: hands out runs of addresses (or of anything counted), and takes them back checked.
//
// The addresses themselves are never touched: what is known about them stands in segments outside
// (span/external_tags.hpp), so a range may be unmapped, a device's, or not memory at all.
//
//                 allocate                      free (checked by address and size)
//     free  --------------------->  used  -----------------------------------------+
//      ^                              |                                            |
//      |                              | retire: unmapped, but translations may     |
//      |            settle            v         still be cached somewhere          v
//      +---------- quarantined <--- dirty                                    quarantined
//        when more than `quarantine_bytes` wait, oldest first (0: at once)
//
// Addresses are reused by good fit, so a window needs little more than its live ranges; a
// quarantine of bounded size delays reuse where bugs are hunted. Guards are units at either side of
// a range that belong to it and that nobody maps.
//
// O(1) expected: allocate, free, extend, trim, retire, settle (per range). O(segments): allocation
// inside limits, allocate_at, and telling why a wrong free is wrong. Not synchronised.
#pragma once

#include "platform/paged_machine.hpp"
#include "ranges/used_table.hpp"
#include "span/span_core.hpp"

namespace strata {

struct RangeRequest {
  size_t bytes = 0;         // rounded up to units
  size_t alignment = 1;     // bytes, a power of two
  size_t guard_before = 0;  // bytes
  size_t guard_after = 0;
  Address min = 0;            // lowest address allowed
  Address max = ~Address{0};  // the range ends at or below
  bool thorough = false;      // look at every free range before refusing: O(segments)
};

struct ArenaStatistics {
  size_t free_bytes = 0;
  size_t used_bytes = 0;  // guards included
  size_t dirty_bytes = 0;
  size_t quarantined_bytes = 0;
  size_t used_ranges = 0;
  size_t segments = 0;
};

template <class TagMemory, unsigned UnitShift = frame_shift>
class Arena {
 public:
  static constexpr size_t unit = size_t{1} << UnitShift;

  explicit Arena(TagMemory& memory) noexcept : tags_(memory), used_(memory) {}

  // Adds the addresses [base, base + bytes). False when memory for tags is refused, or they
  // overlap.
  bool add_window(Address base, size_t bytes) noexcept {
    if (!tags_.ensure() || !used_.start() || bytes < unit) return false;
    const size_t position = base >> UnitShift;
    const size_t units = bytes >> UnitShift;
    Segment* before = nullptr;
    Segment* after = tags_.first();
    while (after != nullptr && after->position < position + units) {
      before = after;
      after = after->after;
    }
    if (before != nullptr && before->position + before->units > position) return false;
    core_.give(tags_, tags_.make(position, units, before), units);
    return true;
  }

  // How many bytes freed ranges wait in quarantine, together, before they are reused.
  void set_quarantine(size_t bytes) noexcept {
    quarantine_limit_ = bytes >> UnitShift;
    release_quarantine(quarantine_limit_);
  }

  // The first address behind the guard, or 0.
  [[nodiscard]] Address allocate(const RangeRequest& request) noexcept {
    if (request.bytes == 0 || request.bytes > size_t{1} << 62 || !tags_.ensure()) return 0;
    const size_t before = divide_up(request.guard_before, unit);
    const size_t after = divide_up(request.guard_after, unit);
    Segment* segment = take(Fit{divide_up(request.bytes, unit) + before + after, before,
                                request.alignment > unit ? request.alignment >> UnitShift : 1,
                                divide_up(request.min, unit), request.max >> UnitShift},
                            request.thorough);
    if (segment == nullptr) return 0;
    segment->guard_before = std::uint32_t(before);
    segment->guard_after = std::uint32_t(after);
    used_.insert(segment);
    return (segment->position + before) << UnitShift;
  }

  // Takes exactly [base, base + bytes). False when some of it is not free.
  bool allocate_at(Address base, size_t bytes) noexcept {
    if (bytes == 0 || base % unit != 0 || !tags_.ensure()) return false;
    const size_t position = base >> UnitShift;
    const size_t units = divide_up(bytes, unit);
    for (Segment* segment = tags_.first(); segment != nullptr; segment = segment->after) {
      if (segment->position + segment->units <= position) continue;
      if (segment->state != SegmentState::free || segment->position > position ||
          segment->position + segment->units < position + units) {
        return false;
      }
      used_.insert(core_.take_at(tags_, segment, position - segment->position, units));
      return true;
    }
    return false;
  }

  // Makes a range longer in place, when what follows is free and there is no guard between.
  bool extend(Address base, size_t bytes, size_t new_bytes) noexcept {
    Segment* segment = find_used(base, bytes);
    if (segment == nullptr || segment->guard_after != 0 || !tags_.ensure()) return false;
    const size_t more = divide_up(new_bytes, unit) - user_units(segment);
    if (new_bytes < bytes) return false;
    if (more == 0) return true;
    Segment* after = tags_.free_after(segment, segment->units);
    if (after == nullptr || after->units < more) return false;
    core_.take_front(tags_, after, more);
    tags_.absorb_after(segment);
    return true;
  }

  // Makes a range shorter: its tail becomes free, or (dirty) waits for settle(). A guard behind it
  // moves along. False: no such range, not shorter by a unit, or no memory for a tag.
  bool trim(Address base, size_t bytes, size_t new_bytes, bool dirty) noexcept {
    Segment* segment = find_used(base, bytes);
    if (segment == nullptr || new_bytes == 0 || new_bytes > bytes || !tags_.ensure()) return false;
    const size_t keep = divide_up(new_bytes, unit);
    if (keep == user_units(segment)) return true;
    // The old guard goes with the tail; the tail's first units become the new one.
    Segment* tail = tags_.advance(segment, segment->guard_before + keep + segment->guard_after);
    dirty ? push(dirty_, tail, SegmentState::dirty) : dismiss(tail);
    return true;
  }

  // The range becomes free (after quarantine). Problem::none, or what is wrong: then nothing
  // changed.
  Problem free(Address base, size_t bytes) noexcept {
    Segment* segment = find_used(base, bytes);
    if (segment == nullptr) return diagnose(base);
    used_.remove(segment);
    dismiss(segment);
    return Problem::none;
  }

  // The range has been unmapped; it becomes free after the next settle().
  Problem retire(Address base, size_t bytes) noexcept {
    Segment* segment = find_used(base, bytes);
    if (segment == nullptr) return diagnose(base);
    used_.remove(segment);
    push(dirty_, segment, SegmentState::dirty);
    return Problem::none;
  }

  // No stale translation of any dirty range exists any more.
  void settle() noexcept {
    while (Segment* segment = pop(dirty_)) dismiss(segment);
  }

  // Lets ranges out of quarantine until at most so many bytes wait there.
  void release_quarantine(size_t bytes) noexcept {
    while (quarantine_.units > bytes >> UnitShift) {
      Segment* segment = pop(quarantine_);
      core_.give(tags_, segment, segment->units);
    }
  }

  [[nodiscard]] bool is_used(Address base, size_t bytes) const noexcept {
    return find_used(base, bytes) != nullptr;
  }
  [[nodiscard]] size_t free_bytes() const noexcept { return core_.free_units() << UnitShift; }
  [[nodiscard]] size_t dirty_bytes() const noexcept { return dirty_.units << UnitShift; }

  [[nodiscard]] ArenaStatistics statistics() const noexcept {
    ArenaStatistics sum;
    sum.segments = tags_.count();
    sum.used_ranges = used_.count();
    for (const Segment* s = tags_.first(); s != nullptr; s = s->after) {
      size_t& place = s->state == SegmentState::free    ? sum.free_bytes
                      : s->state == SegmentState::used  ? sum.used_bytes
                      : s->state == SegmentState::dirty ? sum.dirty_bytes
                                                        : sum.quarantined_bytes;
      place += s->units << UnitShift;
    }
    return sum;
  }

  // Calls visit(address, bytes, state) for every segment, by address.
  template <class Visit>
  void walk(Visit&& visit) const {
    for (const Segment* s = tags_.first(); s != nullptr; s = s->after) {
      visit(Address(s->position << UnitShift), s->units << UnitShift, s->state);
    }
  }

  [[nodiscard]] bool check() noexcept {
    const ArenaStatistics now = statistics();
    bool good = core_.check(tags_) && now.free_bytes == free_bytes();
    good &= now.dirty_bytes == dirty_bytes();
    const Segment* last = nullptr;
    for (const Segment* s = tags_.first(); s != nullptr; last = s, s = s->after) {
      good &= s->before == last && s->units != 0;
      good &= last == nullptr || last->position + last->units <= s->position;
      if (s->state == SegmentState::used) {
        good &= used_.find(s->position + s->guard_before) == s;
      }
    }
    return good;
  }

  // Gives the tags' memory back. Nothing may be used any more.
  void release() noexcept {
    used_.release();
    tags_.release();
  }

 private:
  using Tags = ExternalTags<TagMemory>;

  struct Queue {  // first in, first out
    Segment* first = nullptr;
    Segment* last = nullptr;
    size_t units = 0;
  };

  static size_t user_units(const Segment* segment) noexcept {
    return segment->units - segment->guard_before - segment->guard_after;
  }

  [[nodiscard]] Segment* find_used(Address base, size_t bytes) const noexcept {
    if (base % unit != 0) return nullptr;
    Segment* segment = used_.find(base >> UnitShift);
    return segment != nullptr && user_units(segment) == divide_up(bytes, unit) ? segment : nullptr;
  }

  [[gnu::cold]] Problem diagnose(Address base) const noexcept {
    const size_t position = base >> UnitShift;
    for (const Segment* s = tags_.first(); s != nullptr; s = s->after) {
      if (position < s->position || position - s->position >= s->units) continue;
      if (s->state != SegmentState::used) return Problem::range_freed_twice;
      const bool at_start = s->position + s->guard_before == position && base % unit == 0;
      return at_start ? Problem::range_wrong_size : Problem::range_interior;
    }
    return Problem::range_not_ours;
  }

  void dismiss(Segment* segment) noexcept {
    segment->guard_before = segment->guard_after = 0;
    if (quarantine_limit_ == 0) {
      core_.give(tags_, segment, segment->units);
      return;
    }
    push(quarantine_, segment, SegmentState::quarantined);
    release_quarantine(quarantine_limit_ << UnitShift);
  }

  void push(Queue& queue, Segment* segment, SegmentState state) noexcept {
    segment->state = state;
    segment->next = nullptr;
    (queue.last != nullptr ? queue.last->next : queue.first) = segment;
    queue.last = segment;
    queue.units += segment->units;
  }
  Segment* pop(Queue& queue) noexcept {
    Segment* segment = queue.first;
    if (segment == nullptr) return nullptr;
    queue.first = segment->next;
    if (queue.first == nullptr) queue.last = nullptr;
    queue.units -= segment->units;
    segment->state = SegmentState::used;
    return segment;
  }

  // A request in units: where in a free segment it fits, if it does.
  struct Fit {
    size_t units;
    size_t before;     // guard
    size_t alignment;  // of the unit behind the guard
    size_t min;
    size_t max;

    static constexpr size_t nowhere = ~size_t{0};
    [[nodiscard]] size_t in(const Segment* segment) const noexcept {
      const size_t low = segment->position + before;
      const size_t start = align_up(low > min ? low : min, alignment) - before;
      const size_t end = segment->position + segment->units;
      if (start < segment->position || start + units > (end < max ? end : max)) return nowhere;
      return start - segment->position;
    }
  };

  // First what just fits, should it be where it is wanted; then what must hold it, wherever it
  // is; then, inside limits or when asked to be thorough, any.
  Segment* take(const Fit& fit, bool thorough) noexcept {
    const bool limited = fit.min != 0 || fit.max != ~Address{0} >> UnitShift;
    const size_t lengths[] = {fit.units, fit.units + fit.alignment - 1};
    for (const size_t units : lengths) {
      Segment* segment = core_.find(tags_, units);
      if (segment == nullptr) continue;
      const size_t skip = fit.in(segment);
      if (skip != Fit::nowhere) return core_.take_at(tags_, segment, skip, fit.units);
    }
    if (!limited && !thorough) return nullptr;
    for (Segment* segment = tags_.first(); segment != nullptr; segment = segment->after) {
      if (segment->state != SegmentState::free) continue;
      const size_t skip = fit.in(segment);
      if (skip != Fit::nowhere) return core_.take_at(tags_, segment, skip, fit.units);
    }
    return nullptr;
  }

  Tags tags_;
  UsedTable<TagMemory> used_;
  Queue dirty_;
  Queue quarantine_;
  size_t quarantine_limit_ = 0;  // units
  SpanCore<Tags, 36> core_;      // up to 2^35 units: 128 TiB of pages
};

}  // namespace strata
