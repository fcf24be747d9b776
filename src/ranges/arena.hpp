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
    const size_t units = divide_up(request.bytes, unit) + before + after;
    const size_t alignment = request.alignment > unit ? request.alignment >> UnitShift : 1;
    const bool limited = request.min != 0 || request.max != ~Address{0};
    Segment* segment = nullptr;
    if (limited) {
      segment = take_limited(request, units, before, alignment);
    } else if (before == 0 || alignment == 1) {
      segment = core_.take_aligned(tags_, units, alignment);
    } else {
      segment = take_behind_guard(units, before, alignment);
    }
    if (segment == nullptr && request.thorough && !limited) {
      segment = take_limited(request, units, before, alignment);
    }
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
      used_.insert(cut_out(segment, position - segment->position, units));
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
    bool good = core_.check(tags_) && now.free_bytes == core_.free_units() << UnitShift;
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

  // Takes [skip, skip + units) out of a free segment.
  Segment* cut_out(Segment* segment, size_t skip, size_t units) noexcept {
    const size_t length = core_.take_whole(tags_, segment);
    Segment* taken = segment;
    if (skip != 0) {
      taken = tags_.advance(segment, skip);
      core_.give(tags_, segment, skip);
    }
    if (length > skip + units) {
      Segment* rest = tags_.advance(taken, units);
      core_.give(tags_, rest, rest->units);
    }
    return taken;
  }

  // The unit behind the guard is to be aligned: takes more, gives the rest back.
  Segment* take_behind_guard(size_t units, size_t before, size_t alignment) noexcept {
    Segment* segment = core_.take(tags_, units + alignment - 1);
    if (segment == nullptr) return nullptr;
    const size_t user = align_up(segment->position + before, alignment);
    const size_t skip = user - before - segment->position;
    const size_t length = segment->units;
    Segment* taken = segment;
    if (skip != 0) {
      taken = tags_.advance(segment, skip);
      core_.give(tags_, segment, skip);
    }
    if (length > skip + units) {
      Segment* rest = tags_.advance(taken, units);
      core_.give(tags_, rest, rest->units);
    }
    return taken;
  }

  Segment* take_limited(const RangeRequest& request, size_t units, size_t before,
                        size_t alignment) noexcept {
    const size_t min = divide_up(request.min, unit);
    const size_t max = request.max >> UnitShift;
    for (Segment* s = tags_.first(); s != nullptr; s = s->after) {
      if (s->state != SegmentState::free || s->position + s->units <= min) continue;
      if (s->position >= max) return nullptr;
      const size_t low = s->position + before > min ? s->position + before : min;
      const size_t user = align_up(low, alignment);
      const size_t start = user - before;
      const size_t room = s->position + s->units;
      if (start < s->position || start + units > room || start + units > max) continue;
      return cut_out(s, start - s->position, units);
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
