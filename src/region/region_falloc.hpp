// Region: falloc beyond its short path: the window at the end of a span, opened and closed.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
inline void* Region<P>::falloc(size_t bytes) noexcept {
  Hold hold(*this);
  const size_t units = units_for(bytes);
  if (STRATA_UNLIKELY(units == 0)) return refused(hold, size_error(bytes));
  Tags tags = this->tags();
  if (STRATA_UNLIKELY(window_units_ < units + least_units)) return falloc_slow(hold, units, bytes);
  const Span span = window_;
  cut_window(tags, units);
  return finish(tags, span, units, bytes);
}

template <class P>
void Region<P>::cut_window(Tags& tags, size_t units) noexcept {
  const Span rest = tags.advance(window_, units);
  window_units_ -= units;
  tags.word(rest) = Word(window_units_ << Layout::size_shift) | Tags::saved_flag;
  publish();
  window_ = rest;
}

template <class P>
void* Region<P>::falloc_slow(Hold& hold, size_t units, size_t bytes) noexcept {
  Tags tags = this->tags();
  close_window(tags);
  if (damaged_) return refused(hold, RegionError::region_damaged);
  if (!open_window(tags, units)) {
    Span span = find(tags, units);
    if (span == Tags::none) span = find_harder(tags, units);
    if (span == Tags::none) return refused(hold, RegionError::out_of_memory);
    return take(tags, hold, span, units, bytes);
  }
  const Span span = window_;
  cut_window(tags, units);
  return finish(tags, span, units, bytes);
}

// Sets aside the free block that ends a span, newest span first, if it is long enough.
template <class P>
bool Region<P>::open_window(Tags& tags, size_t units) noexcept {
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    const Span last = tags.free_before(tags.span_at(Header::at(tags, s)->end(tail)));
    if (last == Tags::none || tags.length(last) < units + least_units) continue;
    if constexpr (grows) leave_empty(tags, last);
    const size_t length = tags.length(last);
    window_ = index_.take_at(tags, last, 0, length);
    window_units_ = length;
    tags.set_used(window_, length);
    tags.clear_mark(window_);
    tags.word(window_) |= Tags::saved_flag;
    return true;
  }
  return false;
}

template <class P>
void Region<P>::close_window(Tags& tags) noexcept {
  if (window_units_ == 0) return;
  const Span span = window_;
  const size_t units = window_units_;
  window_ = Tags::none;
  window_units_ = 0;
  tags.word(span) &= ~Tags::saved_flag;
  return_block(tags, span, units);
}

}  // namespace strata
