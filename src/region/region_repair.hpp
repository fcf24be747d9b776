// Region: repair after a process died inside, from what single stores keep true.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
bool Region<P>::recover() noexcept {
  Hold hold(*this);
  return recover_locked();
}

// What is certain after any number of whole stores: the spans, and each tag's size. Saved blocks
// and falloc's window become free; a block that was on its way to a user stays used.
template <class P>
STRATA_COLD bool Region<P>::recover_locked() noexcept {
  damaged_ = !rebuild();
  if (!damaged_) {
    const RegionCheck result = check_locked();
    damaged_ = !result;
  }
  if (damaged_) {
    // Nothing is found and no pointer is ours any more, so every call is refused without a test of
    // its own; reported() gives the reason.
    index_.reset();
    saved_ = window_ = Tags::none;
    saved_count_ = saved_units_ = window_units_ = apart_ = 0;
    first_place_ = ~size_t{0};
    last_place_ = 0;
    last_error_ = RegionError::region_damaged;
  }
  return !damaged_;
}

template <class P>
STRATA_COLD bool Region<P>::rebuild() noexcept {
  Tags tags = this->tags();
  size_t spans = 0;
  size_t units_sum = 0;
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    const Header* header = Header::at(tags, s);
    if (++spans > span_count_) return false;
    const Address end = header->end(tail);
    for (Address at = header->first(); at != end;) {
      const size_t units = tags.length(tags.span_at(at));
      if (units < least_units || units > (end - at) / granule) return false;
      units_sum += units;
      at += units * granule;
    }
  }
  if (units_sum != managed_units_ || spans != span_count_) return false;
  index_.reset();
  saved_ = window_ = Tags::none;
  saved_count_ = saved_units_ = window_units_ = used_blocks_ = apart_ = 0;
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    Header* header = Header::at(tags, s);
    header->free_list = Tags::none;
    header->blocks = 0;
  }
  constexpr Word not_used = Tags::free_flag | Tags::saved_flag;
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    Header* header = Header::at(tags, s);
    const Span end = tags.span_at(header->end(tail));
    for (Span span = tags.span_at(header->first()); span != end;) {
      size_t units = tags.length(span);
      tags.word(span) &= ~Word{Tags::previous_free_flag};
      if ((tags.word(span) & not_used) != 0) {
        Span behind = tags.after(span, units);
        while (behind != end && (tags.word(behind) & not_used) != 0) {
          units += tags.length(behind);
          behind = tags.after(span, units);
        }
        tags.word(span) = Word(units << Layout::size_shift);
        tags.word(behind) &= ~Word{Tags::previous_free_flag};
        index_.insert(tags, span, units);
        // insert() told the block behind; step over it so that the flag stays.
        if (behind == end) break;
        const size_t used = tags.length(behind);
        tags.set_mark(behind, used);
        ++used_blocks_;
        ++header->blocks;
        span = tags.after(behind, used);
        continue;
      }
      tags.set_mark(span, units);
      ++used_blocks_;
      ++header->blocks;
      span = tags.after(span, units);
      if (span == end) tags.word(end) &= ~Word{Tags::previous_free_flag};
    }
  }
  return true;
}

}  // namespace strata
