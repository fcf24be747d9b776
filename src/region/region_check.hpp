// Region: looking at itself: walking, checking every invariant, statistics.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
template <class Visit>
void Region<P>::walk(Visit&& visit) noexcept {
  Hold hold(*this);
  if (damaged_) return;
  Tags tags = this->tags();
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    const Header* header = Header::at(tags, s);
    const Span end = tags.span_at(header->end(tail));
    for (Span span = tags.span_at(header->first()); span != end;) {
      const size_t units = tags.length(span);
      const Word word = tags.word(span);
      const BlockState state = (word & Tags::free_flag) != 0    ? BlockState::free
                               : (word & Tags::saved_flag) != 0 ? BlockState::saved
                                                                : BlockState::used;
      visit(RegionBlock{reinterpret_cast<const void*>(tags.address(span) + guard), units * granule,
                        units * granule - overhead, state});
      span = tags.after(span, units);
    }
  }
}

template <class P>
RegionCheck Region<P>::check() noexcept {
  Hold hold(*this);
  RegionCheck result = check_locked();
  if (!result) reported(hold, result.error, result.where);
  return result;
}

template <class P>
RegionCheck Region<P>::check_locked() noexcept {
  if (damaged_) return {RegionError::region_damaged, nullptr};
  Tags tags = this->tags();
  size_t free_count = 0;
  size_t free_sum = 0;
  size_t used_count = 0;
  size_t saved_flags = 0;
  size_t units_sum = 0;
  size_t spans = 0;
  Span last_span = Tags::none;
  for (Span s = spans_; s != Tags::none; last_span = s, s = Header::at(tags, s)->next) {
    const Header* header = Header::at(tags, s);
    if (++spans > span_count_ || header->previous != last_span) {
      return {RegionError::links_damaged, header};
    }
    const Span end = tags.span_at(header->end(tail));
    const Address end_address = header->end(tail);
    bool previous_free = false;
    size_t in_span = 0;
    Span span = tags.span_at(header->first());
    while (span != end) {
      const size_t units = tags.length(span);
      const Address at = tags.address(span);
      if (units < least_units || units > (end_address - at) / granule) {
        return {RegionError::header_damaged, reinterpret_cast<void*>(at)};
      }
      const RegionCheck block = check_block(tags, span, previous_free, free_count, free_sum);
      if (!block) return block;
      previous_free = (tags.word(span) & Tags::free_flag) != 0;
      if (!previous_free && span != window_) {
        ++used_count;
        ++in_span;
      }
      if ((tags.word(span) & Tags::saved_flag) != 0) ++saved_flags;
      units_sum += units;
      span = tags.after(span, units);
    }
    if (((tags.word(end) & Tags::previous_free_flag) != 0) != previous_free ||
        tags.length(end) != 0) {
      return {RegionError::header_damaged, reinterpret_cast<void*>(end_address)};
    }
    if (P::owner && in_span != header->blocks) return {RegionError::links_damaged, header};
    if constexpr (grows) {
      if (tags.next(end) != s) return {RegionError::links_damaged, header};
    }
  }
  // The index holds as many blocks as the walk met, all free: so exactly those.
  size_t indexed = 0;
  bool all_free = true;
  if (!index_.check(tags, !coalesce_.at_once())) return {RegionError::links_damaged, nullptr};
  index_.for_each_free(tags, [&](Span span, size_t) noexcept {
    ++indexed;
    all_free &= (tags.word(span) & Tags::free_flag) != 0;
  });
  size_t saved = 0;
  for (Span s = saved_; s != Tags::none && saved <= saved_count_; s = tags.next(s)) {
    ++saved;
    all_free &= (tags.word(s) & Tags::saved_flag) != 0;
  }
  if (indexed != free_count || !all_free || free_sum != index_.free_units() ||
      spans != span_count_ || units_sum != managed_units_ || used_count != used_blocks_ ||
      saved != saved_count_ || saved_flags != saved_count_ + (window_units_ != 0 ? 1 : 0)) {
    return {RegionError::links_damaged, nullptr};
  }
  return {};
}

template <class P>
RegionCheck Region<P>::check_block(Tags& tags, Span span, bool previous_free, size_t& free_count,
                                   size_t& free_sum) noexcept {
  const size_t units = tags.length(span);
  const Word word = tags.word(span);
  const bool is_free = (word & Tags::free_flag) != 0;
  const auto bad = [&](RegionError error) noexcept {
    return RegionCheck{error, reinterpret_cast<void*>(tags.address(span) + guard)};
  };
  constexpr Word unused_bits = Word((Word{1} << Layout::size_shift) - 1) & ~Word{Tags::flags};
  if (((word & Tags::previous_free_flag) != 0) != previous_free || (word & unused_bits) != 0) {
    return bad(RegionError::header_damaged);
  }
  if (is_free) {
    ++free_count;
    free_sum += units;
    if (previous_free && coalesce_.at_once()) return bad(RegionError::links_damaged);
    if (tags.footer_below(tags.after(span, units)) != units) {
      return bad(RegionError::header_damaged);
    }
    if (P::poison == Poison::checked && !poison_is_intact(tags, span)) {
      return bad(RegionError::used_after_free);
    }
    return {};
  }
  const bool is_users = (word & Tags::saved_flag) == 0;
  if (is_users && !tags.has_mark(span, units)) return bad(RegionError::header_damaged);
  if constexpr (guard != 0) {
    if (is_users && !guards_are_intact(tags, span)) return bad(RegionError::guard_damaged);
  }
  return {};
}

template <class P>
RegionStatistics Region<P>::statistics() noexcept {
  Hold hold(*this);
  Tags tags = this->tags();
  RegionStatistics s{};
  if (damaged_) return s;
  s.managed_bytes = managed_bytes_;
  s.free_bytes = index_.free_units() * granule;
  s.used_bytes = managed_units_ * granule - s.free_bytes;
  s.saved_bytes = (saved_units_ + window_units_) * granule;
  index_.for_each_free(tags, [&](Span, size_t units) noexcept {
    ++s.free_blocks;
    if (units * granule > s.largest_free_bytes) s.largest_free_bytes = units * granule;
  });
  s.used_blocks = used_blocks_;
  s.spans = span_count_;
  if constexpr (P::counters) {
    s.peak_used_bytes = (managed_units_ - least_free_units_) * granule;
    s.footprint_bytes = highest_ == Tags::none ? 0 : tags.address(highest_) - base() - low_;
    s.allocations = allocations_;
    s.frees = allocations_ - used_blocks_;
  }
  s.failures = failures_;
  s.looked_at = looked_at_;
  s.longest_search = longest_search_;
  return s;
}

}  // namespace strata
