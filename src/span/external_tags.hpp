// ExternalTags: the span core's tags outside the memory they describe, one Segment a span.
//
// Nothing managed is ever touched, so the "memory" may be bare addresses, device numbers or
// anything counted in units. Segments stand in one list by address; free ones also in the core's
// bins, the others wherever their state says (`next` and `previous` are free for their owner).
//
//     by address:  [free 0..9] <-> [used 9..12] <-> [free 12..40]      gap      [free 100..120]
//
// A middle split makes two segments, so an operation needs at most `most_per_operation` spare ones;
// the owner calls ensure() before it starts, and nothing fails half way. Merging only gives back.
//
// TagMemory: take() gives one page of page_bytes, or nullptr; give() takes it back at the end.
// Cost: 64 bytes a segment; O(1) each.
#pragma once

#include "base/units.hpp"

namespace strata {

enum class SegmentState : std::uint8_t { free, used, dirty, quarantined };

struct Segment {
  size_t position;  // first unit
  size_t units;
  Segment* before;  // neighbours by address; they touch unless there is a gap
  Segment* after;
  Segment* next;  // bin (free), hash chain (used), queue (dirty, quarantined)
  Segment* previous;
  std::uint32_t guard_before;  // of a used one: units of it that are never mapped
  std::uint32_t guard_after;
  SegmentState state;
};
static_assert(sizeof(Segment) == 64);

template <class TagMemory>
class ExternalTags {
 public:
  using Span = Segment*;
  static constexpr Span none = nullptr;
  static constexpr bool by_address = true;
  static constexpr size_t most_per_operation = 4;

  explicit ExternalTags(TagMemory& memory) noexcept : memory_(memory) {}

  // ---- what SpanCore asks for ----
  size_t length(Span span) noexcept { return span->units; }
  size_t position(Span span) noexcept { return span->position; }
  Span free_before(Span span) noexcept {
    Segment* before = span->before;
    return before != nullptr && before->state == SegmentState::free && touch(before, span) ? before
                                                                                           : none;
  }
  Span free_after(Span span, size_t) noexcept {
    Segment* after = span->after;
    return after != nullptr && after->state == SegmentState::free && touch(span, after) ? after
                                                                                        : none;
  }
  // Cuts the segment in two and returns the second.
  Span advance(Span span, size_t units) noexcept {
    Segment* rest = make(span->position + units, span->units - units, span);
    span->units = units;
    return rest;
  }
  void mark_free(Span span, size_t units) noexcept {
    while (span->units < units) absorb_after(span);
    span->state = SegmentState::free;
  }
  void mark_used(Span span, size_t) noexcept { span->state = SegmentState::used; }
  Span& next(Span span) noexcept { return span->next; }
  Span& previous(Span span) noexcept { return span->previous; }

  // ---- for the owner ----
  // True when an operation may start.
  bool ensure() noexcept {
    while (spare_count_ < most_per_operation) {
      auto* page = static_cast<Page*>(memory_.take());
      if (page == nullptr) return false;
      page->next = pages_;
      pages_ = page;
      constexpr size_t fit = (TagMemory::page_bytes - sizeof(Page)) / sizeof(Segment);
      auto* segments = reinterpret_cast<Segment*>(page + 1);
      for (size_t i = 0; i < fit; ++i) drop(&segments[i]);
    }
    return true;
  }

  // A new segment behind `before` by address (nullptr: first of all). State used, no guards.
  Segment* make(size_t position, size_t units, Segment* before) noexcept {
    Segment* segment = spare_;
    spare_ = segment->next;
    --spare_count_;
    Segment* after = before != nullptr ? before->after : first_;
    *segment = {position, units, before, after, nullptr, nullptr, 0, 0, SegmentState::used};
    (before != nullptr ? before->after : first_) = segment;
    if (after != nullptr) after->before = segment;
    ++count_;
    return segment;
  }

  // Joins the segment with the one behind it, which is in no list but the one by address.
  void absorb_after(Segment* segment) noexcept {
    Segment* after = segment->after;
    segment->units += after->units;
    segment->after = after->after;
    if (after->after != nullptr) after->after->before = segment;
    --count_;
    drop(after);
  }

  // Gives every page back: the owner is done with all segments.
  void release() noexcept {
    while (pages_ != nullptr) {
      Page* page = pages_;
      pages_ = page->next;
      memory_.give(page);
    }
    spare_ = first_ = nullptr;
    spare_count_ = count_ = 0;
  }

  [[nodiscard]] Segment* first() const noexcept { return first_; }
  [[nodiscard]] size_t count() const noexcept { return count_; }

 private:
  struct alignas(64) Page {
    Page* next;
  };

  static bool touch(const Segment* low, const Segment* high) noexcept {
    return low->position + low->units == high->position;
  }
  void drop(Segment* segment) noexcept {
    segment->next = spare_;
    spare_ = segment;
    ++spare_count_;
  }

  TagMemory& memory_;
  Segment* spare_ = nullptr;
  size_t spare_count_ = 0;
  Segment* first_ = nullptr;  // lowest by address
  size_t count_ = 0;
  Page* pages_ = nullptr;
};

}  // namespace strata
