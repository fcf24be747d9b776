// Region: serving requests beyond the short path: aligned, searched harder, resized, moved.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
void* Region<P>::allocate_aligned(size_t bytes, size_t alignment) noexcept {
  if (alignment <= granule && is_power_of_two(alignment)) return allocate(bytes);
  Hold hold(*this);
  if (!is_power_of_two(alignment) || alignment > GiB) {
    return refused(hold, RegionError::bad_alignment);
  }
  const size_t units = units_for(bytes);
  if (units == 0) return refused(hold, size_error(bytes));
  // What stands before the aligned place is nothing, or long enough to be a block.
  const size_t alignment_units = alignment / granule;
  const size_t slack = alignment_units + least_units - 1;
  Tags tags = this->tags();
  const auto skip_in = [&](Span span) noexcept {
    const Address at = tags.address(span) + guard;
    size_t skip = (align_up(at, alignment) - at) / granule;
    while (skip != 0 && skip < least_units) skip += alignment_units;
    return skip;
  };
  // First a block that just fits, should it happen to lie well; then one that must hold it.
  Span span = find(tags, units);
  if (span == Tags::none || skip_in(span) + units > tags.length(span)) {
    if (units + slack > layout_max_size / granule) return refused(hold, RegionError::too_large);
    span = find(tags, units + slack);
    if (span == Tags::none) span = find_harder(tags, units + slack);
    if (span == Tags::none) return refused(hold, RegionError::out_of_memory);
  }
  const size_t skip = skip_in(span);
  const size_t rest = tags.length(span) - skip - units;
  return take_at(tags, hold, span, skip, rest < least_units ? units + rest : units, bytes);
}

// A search found nothing: give back what lies saved or aside, join what is apart, ask the source.
template <class P>
STRATA_COLD typename Region<P>::Span Region<P>::find_harder(Tags& tags, size_t units) noexcept {
  if (damaged_) return Tags::none;
  Span span = Tags::none;
  if (saved_count_ != 0) {
    work_locked(tags, ~size_t{0});
    span = find(tags, units);
  }
  if (span == Tags::none && window_units_ != 0) {
    close_window(tags);
    span = find(tags, units);
  }
  if (span == Tags::none && apart_ != 0) {
    join_all(tags);
    span = find(tags, units);
  }
  if (span == Tags::none && grow(tags, units)) span = find(tags, units);
  return span;
}

template <class P>
bool Region<P>::resize_in_place(void* payload, size_t bytes) noexcept {
  Hold hold(*this);
  Tags tags = this->tags();
  const RegionError error = examine(tags, payload);
  if (error != RegionError::none) {
    reported(hold, error, payload);
    return false;
  }
  const size_t units = units_for(bytes);
  if (units == 0) {
    refused(hold, size_error(bytes));
    return false;
  }
  const Span span = span_of(tags, payload);
  size_t have = tags.length(span);
  if (units > have) {
    const Span behind = tags.free_after(span, have);
    if (behind == Tags::none) return false;
    const size_t found = tags.length(behind);
    const size_t need = units - have;
    if (found < need) return false;
    const size_t taken = found - need < least_units ? found : need;
    index_.take_at(tags, behind, 0, taken);
    publish();
    have += taken;
  } else if (have - units >= least_units) {
    const Span rest = tags.advance(span, units);
    tags.word(rest) = Word((have - units) << Layout::size_shift);
    publish();
    tags.set_used(span, units);
    return_block(tags, rest, have - units);
    have = units;
  }
  tags.set_used(span, have);
  if constexpr (P::counters) {
    count_peak(tags, span, have);
  }
  if constexpr (guard != 0) set_guards(tags, span, bytes);
  return true;
}

template <class P>
void* Region<P>::reallocate(void* payload, size_t bytes) noexcept {
  if (payload == nullptr) return allocate(bytes);
  if (units_for(bytes) == 0) {
    Hold hold(*this);
    return refused(hold, size_error(bytes));
  }
  const size_t have = usable_size(payload);
  if (have == 0) return nullptr;
  if (resize_in_place(payload, bytes)) return payload;
  void* moved = allocate(bytes);
  if (moved == nullptr) return nullptr;
  __builtin_memcpy(moved, payload, have < bytes ? have : bytes);
  free(payload);
  return moved;
}

template <class P>
size_t Region<P>::usable_size(const void* payload) noexcept {
  Hold hold(*this);
  Tags tags = this->tags();
  const RegionError error = examine(tags, payload);
  if (error != RegionError::none) {
    reported(hold, error, payload);
    return 0;
  }
  const Span span = span_of(tags, payload);
  if constexpr (guard != 0) return *reinterpret_cast<const size_t*>(tags.address(span));
  return tags.length(span) * granule - Tags::header_size;
}

}  // namespace strata
