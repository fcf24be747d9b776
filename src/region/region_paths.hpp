// Region: the short paths of allocate and free, which is all that most calls execute.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
inline void* Region<P>::allocate(size_t bytes) noexcept {
  Hold hold(*this);
  const size_t units = units_for(bytes);
  if (STRATA_UNLIKELY(units == 0)) return refused(hold, size_error(bytes));
  Tags tags = this->tags();
  Span span = find(tags, units);
  if (STRATA_UNLIKELY(span == Tags::none)) {
    span = find_harder(tags, units);
    if (span == Tags::none) return refused(hold, RegionError::out_of_memory);
  }
  return take(tags, hold, span, units, bytes);
}

template <class P>
inline RegionError Region<P>::free(void* payload) noexcept {
  if (payload == nullptr) return RegionError::none;
  Hold hold(*this);
  Tags tags = this->tags();
  const RegionError error = examine(tags, payload);
  if (STRATA_UNLIKELY(error != RegionError::none)) return reported(hold, error, payload);
  const Span span = span_of(tags, payload);
  if (freeing_.capacity() == 0) {
    release(tags, span);
  } else if (save(tags, span)) {
    hold.release();
    if constexpr (requires { freeing_.ring(); }) freeing_.ring();
  }
  return RegionError::none;
}

template <class P>
STRATA_INLINE typename Region<P>::Span Region<P>::find(Tags& tags, size_t units) noexcept {
  if constexpr (P::count_searches) {
    size_t looked_at = 0;
    const Span span = index_.find(tags, units, coalesce_.searching(), &looked_at);
    looked_at_ += looked_at;
    if (looked_at > longest_search_) longest_search_ = looked_at;
    return span;
  } else {
    return index_.find(tags, units, coalesce_.searching(), nullptr);
  }
}

// Takes the block out of the free block `span`, from its start or its end; never leaves a crumb.
template <class P>
STRATA_INLINE void* Region<P>::take(Tags& tags, Hold& hold, Span span, size_t units,
                                    size_t bytes) noexcept {
  const size_t rest = tags.length(span) - units;
  size_t skip = P::serve == Serve::from_end ? rest : 0;
  if (rest < least_units) {
    units += rest;
    skip = 0;
  }
  return take_at(tags, hold, span, skip, units, bytes);
}

template <class P>
STRATA_INLINE void* Region<P>::take_at(Tags& tags, Hold& hold, Span span, size_t skip, size_t units,
                                       size_t bytes) noexcept {
  if constexpr (grows) leave_empty(tags, span);
  const bool intact = P::poison != Poison::checked || poison_is_intact(tags, span);
  const Span taken = index_.take_at(tags, span, skip, units);
  void* payload = finish(tags, taken, units, bytes);
  if (STRATA_UNLIKELY(!intact)) reported(hold, RegionError::used_after_free, payload);
  return payload;
}

// The block becomes the user's.
template <class P>
STRATA_INLINE void* Region<P>::finish(Tags& tags, Span span, size_t units, size_t bytes) noexcept {
  publish();
  tags.set_used(span, units);
  ++used_blocks_;
  if constexpr (P::owner) ++Header::at(tags, tags.owner(span))->blocks;
  if constexpr (P::counters) {
    ++allocations_;
    count_peak(tags, span, units);
  }
  const Address payload = tags.address(span);
  if constexpr (guard != 0) set_guards(tags, span, bytes);
  return forget_types(reinterpret_cast<void*>(payload + guard));
}

template <class P>
STRATA_INLINE void Region<P>::count_peak(Tags& tags, Span span, size_t units) noexcept {
  const size_t free_units = index_.free_units() + window_units_;
  if (free_units < least_free_units_) least_free_units_ = free_units;
  const Span end = tags.after(span, units);
  if (end > highest_) highest_ = end;
}

// Gives a used block back to the index.
template <class P>
STRATA_INLINE void Region<P>::release(Tags& tags, Span span) noexcept {
  const size_t units = tags.length(span);
  --used_blocks_;
  if constexpr (P::owner) --Header::at(tags, tags.owner(span))->blocks;
  return_block(tags, span, units);
}

template <class P>
STRATA_INLINE void Region<P>::return_block(Tags& tags, Span span, size_t units) noexcept {
  forget_types(reinterpret_cast<void*>(tags.address(span)));
  tags.clear_mark(span);
  if constexpr (P::poison == Poison::fill) poison_free(tags, span, units);
  Span freed = span;
  if (coalesce_.at_once()) {
    freed = index_.give(tags, span, units);
    if constexpr (P::poison == Poison::checked) {
      poison_free(tags, freed, tags.length(freed));
    }
  } else {
    index_.insert(tags, span, units);
    ++apart_;
    if (coalesce_.due(apart_, used_blocks_)) join_all(tags);
  }
  if constexpr (grows) {
    if (coalesce_.at_once()) enter_empty(tags, freed);
  }
}

template <class P>
inline void* Region<P>::refused(Hold& hold, RegionError error) noexcept {
  if constexpr (P::counters) ++failures_;
  reported(hold, error, nullptr);
  return nullptr;
}

template <class P>
STRATA_COLD RegionError Region<P>::reported(Hold& hold, RegionError error,
                                            const void* where) noexcept {
  if (damaged_) error = RegionError::region_damaged;
  last_error_ = error;
  hold.release();
  on_error_(error, where);
  return error;
}

}  // namespace strata
