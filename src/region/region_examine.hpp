// Region: is this pointer a used block of ours, and unharmed? And the guard bands around blocks.
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

template <class P>
inline void Region<P>::poison_free(Tags& tags, Span span, size_t units) noexcept {
  const Address from = tags.address(span) + 2 * sizeof(Span);
  const Address to = tags.address(span) + units * granule - Tags::header_size - sizeof(Word);
  if (from < to) fill_bytes(from, to - from, poison_byte);
}

template <class P>
inline bool Region<P>::poison_is_intact(Tags& tags, Span span) noexcept {
  const Address from = tags.address(span) + 2 * sizeof(Span);
  const Address to =
      tags.address(span) + tags.length(span) * granule - Tags::header_size - sizeof(Word);
  return from >= to || bytes_are(from, to - from, poison_byte);
}

}  // namespace strata
