// Region: looking at itself. Examining a pointer, walking, checking, statistics, repair, guards.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
STRATA_INLINE RegionError Region<P>::examine(Tags& tags, const void* payload) noexcept {
  if constexpr (P::checks == Checks::none) {
    return RegionError::none;
  } else {
    const Address at = reinterpret_cast<Address>(payload) - guard;
    const size_t place = at - base() - first_place_;
    if (STRATA_UNLIKELY(place > last_place_)) {
      return damaged_ ? RegionError::region_damaged : RegionError::foreign_pointer;
    }
    if (STRATA_UNLIKELY(at % granule != 0)) return RegionError::misaligned_pointer;
    if constexpr (P::checks == Checks::spans || P::checks == Checks::full) {
      if (STRATA_UNLIKELY(span_count_ != 1 || P::checks == Checks::full)) {
        const RegionError error = examine_fully(tags, payload);
        if (error != RegionError::none) return error;
      }
    }
    const Span span = tags.span_at(at);
    const Word word = tags.word(span);
    // A block between the shortest possible and what fits behind its place: one compare.
    const size_t units = size_t(word >> Layout::size_shift);
    if (STRATA_UNLIKELY(units - least_units > (last_place_ - place) / granule)) {
      return P::mark == Mark::none ? RegionError::not_a_block : RegionError::header_damaged;
    }
    // Freed blocks keep their tag, also inside a longer free block.
    if (STRATA_UNLIKELY((word & (Tags::free_flag | Tags::saved_flag)) != 0)) {
      return RegionError::double_free;
    }
    // The block behind agrees that this one is used, and is itself either used or well footed.
    const Span behind = tags.after(span, units);
    const Word behind_word = tags.word(behind);
    if ((behind_word & (Tags::previous_free_flag | Tags::free_flag)) != 0) {
      const size_t length = size_t(behind_word >> Layout::size_shift);
      const size_t room = (last_place_ - place) / granule + least_units - units;
      if (STRATA_UNLIKELY((behind_word & Tags::previous_free_flag) != 0 || length > room ||
                          tags.footer_below(tags.after(behind, length)) != length)) {
        return RegionError::header_damaged;
      }
    }
    // A free block before it says so itself.
    if ((word & Tags::previous_free_flag) != 0) {
      const size_t length = tags.footer_below(span);
      if (STRATA_UNLIKELY(length > place / granule)) return RegionError::header_damaged;
      const Word before = tags.word(tags.retreat(span, length)) & Word(~Tags::previous_free_flag);
      if (STRATA_UNLIKELY(before != (Word(length << Layout::size_shift) | Tags::free_flag))) {
        return RegionError::header_damaged;
      }
    }
    if (STRATA_UNLIKELY(!tags.has_mark(span, units))) return RegionError::header_damaged;
    if constexpr (guard != 0) {
      if (STRATA_UNLIKELY(!guards_are_intact(tags, span))) return RegionError::guard_damaged;
    }
    return RegionError::none;
  }
}

// Which span, and with Checks::full: does a walk from its start meet the block?
template <class P>
STRATA_COLD RegionError Region<P>::examine_fully(Tags& tags, const void* payload) noexcept {
  const Address at = reinterpret_cast<Address>(payload) - guard;
  const Header* header = header_of(tags, at);
  if (header == nullptr || at < header->first() || at >= header->end(tail)) {
    return RegionError::foreign_pointer;
  }
  if constexpr (P::checks == Checks::full) {
    const Span wanted = tags.span_at(at);
    const Span end = tags.span_at(header->end(tail));
    for (Span span = tags.span_at(header->first()); span != wanted;) {
      const size_t units = tags.length(span);
      if (units < least_units || span == end) return RegionError::header_damaged;
      if (tags.address(span) > at) {
        // Inside another block: a free one, if it was freed and joined.
        return RegionError::not_a_block;
      }
      const Span next = tags.after(span, units);
      if (tags.address(next) > at) {
        return (tags.word(span) & Tags::free_flag) != 0 &&
                       (tags.word(wanted) & Tags::free_flag) != 0
                   ? RegionError::double_free
                   : RegionError::not_a_block;
      }
      span = next;
    }
  }
  return RegionError::none;
}

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

template <class P>
void Region<P>::set_guards(Tags& tags, Span span, size_t bytes) noexcept {
  if constexpr (guard != 0) {
    const Address at = tags.address(span);
    const Address stop = at + tags.length(span) * granule - Tags::header_size;
    *reinterpret_cast<size_t*>(at) = bytes;
    *reinterpret_cast<size_t*>(at + sizeof(size_t)) = ~bytes;  // tells an overwritten size
    fill_bytes(at + 2 * sizeof(size_t), guard - 2 * sizeof(size_t), guard_byte);
    fill_bytes(at + guard + bytes, stop - (at + guard + bytes), guard_byte);
  } else {
    (void)tags, (void)span, (void)bytes;
  }
}

template <class P>
bool Region<P>::guards_are_intact(Tags& tags, Span span) noexcept {
  const Address at = tags.address(span);
  const Address stop = at + tags.length(span) * granule - Tags::header_size;
  const size_t bytes = *reinterpret_cast<const size_t*>(at);
  if (*reinterpret_cast<const size_t*>(at + sizeof(size_t)) != ~bytes) return false;
  if (bytes > stop - at - 2 * guard) return false;
  return bytes_are(at + 2 * sizeof(size_t), guard - 2 * sizeof(size_t), guard_byte) &&
         bytes_are(at + guard + bytes, stop - (at + guard + bytes), guard_byte);
}

}  // namespace strata
