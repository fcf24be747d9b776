// Region: spans from the source, and their way back when they are empty.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
bool Region<P>::grow(Tags& tags, size_t units) noexcept {
  if constexpr (!grows) {
    (void)tags, (void)units;
    return false;
  } else {
    const size_t need = units * granule + sizeof(Header) + Tags::header_size + tail + 2 * granule;
    size_t ask = need < P::growth ? P::growth : need;
    if constexpr (P::growth_share != 0) {
      if (ask < managed_bytes_ / P::growth_share) ask = managed_bytes_ / P::growth_share;
    }
    SourceMemory got = source_.take(ask);
    if (got.memory == nullptr && ask > need) got = source_.take(need);
    if (got.memory == nullptr) return false;
    if (add_locked(got.memory, got.bytes, true) == RegionError::none) {
      tags = this->tags();  // the first span decides what links count from
      return true;
    }
    source_.give(got.memory, got.bytes);
    return false;
  }
}

// The span that is nothing but this free block and came from the source, or null. O(1).
template <class P>
typename Region<P>::Header* Region<P>::whole_span(Tags& tags, Span span) noexcept {
  const Span behind = tags.after(span, tags.length(span));
  if (tags.length(behind) != 0) return nullptr;
  Header* header = Header::at(tags, tags.next(behind));
  return header->from_source != 0 && header->first() == tags.address(span) ? header : nullptr;
}

template <class P>
void Region<P>::enter_empty(Tags& tags, Span span) noexcept {
  Header* header = whole_span(tags, span);
  if (header == nullptr) return;
  if (empty_spans_ < P::kept_empty_spans) {
    ++empty_spans_;
  } else {
    return_span(tags, header);
  }
}

template <class P>
void Region<P>::leave_empty(Tags& tags, Span span) noexcept {
  if (empty_spans_ != 0 && whole_span(tags, span) != nullptr) --empty_spans_;
}

// An empty span goes back: its one free block leaves the index, the span leaves the list.
template <class P>
void Region<P>::return_span(Tags& tags, Header* header) noexcept {
  const Span block = tags.span_at(header->first());
  managed_units_ -= tags.length(block);
  // What the peak counts from shrinks with it; it stays right as long as no more than that is free.
  least_free_units_ -=
      least_free_units_ < tags.length(block) ? least_free_units_ : tags.length(block);
  managed_bytes_ -= header->bytes;
  index_.remove(tags, block);
  const Span next = header->next;
  const Span previous = header->previous;
  if (next != Tags::none) Header::at(tags, next)->previous = previous;
  (previous != Tags::none ? Header::at(tags, previous)->next : spans_) = next;
  --span_count_;
  set_bounds(tags);
  if constexpr (requires { index_.spans_changed(spans_); }) index_.spans_changed(spans_);
  source_.give(header, header->bytes);
}

template <class P>
size_t Region<P>::return_empty_spans(Tags& tags, unsigned keep) noexcept {
  size_t given = 0;
  empty_spans_ = 0;
  for (Span s = spans_; s != Tags::none;) {
    Header* header = Header::at(tags, s);
    s = header->next;
    const Span block = tags.span_at(header->first());
    const bool empty = header->from_source != 0 && (tags.word(block) & Tags::free_flag) != 0 &&
                       tags.length(tags.after(block, tags.length(block))) == 0;
    if (!empty) continue;
    if (empty_spans_ < keep) {
      ++empty_spans_;
      continue;
    }
    given += header->bytes;
    return_span(tags, header);
  }
  return given;
}

template <class P>
size_t Region<P>::trim(unsigned keep) noexcept {
  settle();
  Hold hold(*this);
  Tags tags = this->tags();
  if constexpr (grows) return damaged_ ? 0 : return_empty_spans(tags, keep);
  return (void)tags, (void)keep, 0;
}

}  // namespace strata
