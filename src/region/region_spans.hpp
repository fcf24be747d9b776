// Region: its spans: in memory of their own, added, joined within, forgotten.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
Region<P>* Region<P>::create(void* memory, size_t bytes, RegionError* reason) noexcept {
  RegionError error = RegionError::none;
  Region* region = nullptr;
  constexpr size_t own = align_up(sizeof(Region), granule);
  if (memory == nullptr) {
    error = RegionError::null_memory;
  } else if (reinterpret_cast<Address>(memory) % alignof(Region) != 0) {
    error = RegionError::misaligned_memory;
  } else if (bytes <= own) {
    error = RegionError::memory_too_small;
  } else {
    region = ::new (memory) Region();
    error = region->add(static_cast<char*>(memory) + own, bytes - own);
    if (error != RegionError::none)
      region = nullptr;
    else
      region->identity_ = identity();
  }
  if (reason != nullptr) *reason = error;
  return region;
}

template <class P>
Region<P>* Region<P>::attach(void* memory, RegionError* reason) noexcept {
  static_assert(P::self_based, "only a self-based region means the same everywhere");
  auto* region = static_cast<Region*>(memory);
  RegionError error = RegionError::none;
  if (memory == nullptr)
    error = RegionError::null_memory;
  else if (reinterpret_cast<Address>(memory) % alignof(Region) != 0)
    error = RegionError::misaligned_memory;
  else if (region->identity_ != identity())
    error = RegionError::not_a_region;
  if (reason != nullptr) *reason = error;
  return error == RegionError::none ? region : nullptr;
}

template <class P>
RegionError Region<P>::add(void* memory, size_t bytes) noexcept {
  Hold hold(*this);
  const RegionError error = add_locked(memory, bytes, false);
  return error == RegionError::none ? error : reported(hold, error, memory);
}

template <class P>
RegionError Region<P>::add_locked(void* memory, size_t bytes, bool from_source) noexcept {
  const auto start = reinterpret_cast<Address>(memory);
  if (damaged_) return RegionError::region_damaged;
  if (memory == nullptr) return RegionError::null_memory;
  if (start % granule != 0 || start % alignof(Header) != 0) return RegionError::misaligned_memory;
  if (start + bytes < start) return RegionError::memory_overlaps;
  if (bytes < sizeof(Header) + Tags::header_size + (least_units + 1) * granule + tail) {
    return RegionError::memory_too_small;
  }
  if constexpr (!P::self_based && Layout::position_free) {
    if (spans_ == Tags::none) base_ = start - Layout::bias;
  }
  Tags tags = this->tags();
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    const Header* other = Header::at(tags, s);
    if (start < other->stop() && other->start() < start + bytes)
      return RegionError::memory_overlaps;
  }
  if (!Layout::reaches(start, base()) || !Layout::reaches(start + bytes, base())) {
    return RegionError::out_of_reach;
  }
  Header shape{};
  shape.bytes = bytes;
  // Addresses of the first block and the end, computed as if the header stood there already.
  const Address first = align_up(start + sizeof(Header) + Tags::header_size, granule);
  const Address end = align_down(start + bytes - tail, granule);
  const size_t units = (end - first) / granule;
  if (end <= first || units < least_units) return RegionError::memory_too_small;
  if (units >= (size_t{1} << log2_units)) return RegionError::out_of_reach;

  if (provision_.eager()) {
    constexpr size_t page = 4 * KiB;  // the least any system has; larger pages are touched oftener
    for (size_t at = 0; at < bytes; at += page) {
      *reinterpret_cast<volatile unsigned char*>(start + at) = 0;
    }
  }
  shape.from_source = from_source ? 1 : 0;
  shape.next = spans_;
  *reinterpret_cast<Header*>(start) = shape;
  const Span self = tags.span_at(start);
  if (spans_ != Tags::none) Header::at(tags, spans_)->previous = self;
  const Span end_span = tags.span_at(end);
  tags.word(end_span) = 0;
  if constexpr (grows) tags.next(end_span) = self;
  const Span block = tags.span_at(first);
  tags.word(block) = Word(units << Layout::size_shift);
  if constexpr (P::owner) {
    tags.owner(block) = self;
    tags.owner(end_span) = self;
  }
  if constexpr (P::poison == Poison::checked) poison_free(tags, block, units);

  spans_ = self;
  ++span_count_;
  set_bounds(tags);
  managed_bytes_ += bytes;
  managed_units_ += units;
  least_free_units_ += units;
  if constexpr (requires { index_.spans_changed(spans_); }) index_.spans_changed(spans_);
  index_.insert(tags, block, units);
  if constexpr (grows) {
    if (from_source) ++empty_spans_;
  }
  return RegionError::none;
}

// From the lowest start to the highest stop of all spans: what examine() compares with first.
template <class P>
void Region<P>::set_bounds(Tags& tags) noexcept {
  first_place_ = ~size_t{0};
  low_ = last_place_ = 0;
  if (spans_ == Tags::none) return;
  Address low = ~Address{0};
  Address high = 0;
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    const Header* header = Header::at(tags, s);
    if (header->start() < low) low = header->start();
    if (header->stop() > high) high = header->stop();
  }
  low_ = low - base();
  first_place_ = align_up(low + sizeof(Header) + Tags::header_size, granule) - base();
  last_place_ = align_down(high - tail, granule) - base() - first_place_ - least_units * granule;
}

// The span that contains `address`, or null.
template <class P>
typename Region<P>::Header* Region<P>::header_of(Tags& tags, Address address) noexcept {
  for (Span s = spans_; s != Tags::none;) {
    Header* header = Header::at(tags, s);
    if (header->contains(address)) return header;
    s = header->next;
  }
  return nullptr;
}

template <class P>
inline bool Region<P>::owns(const void* address) noexcept {
  Hold hold(*this);
  Tags tags = this->tags();
  return header_of(tags, reinterpret_cast<Address>(address)) != nullptr;
}

// Walks every span and joins free blocks that touch. O(blocks).
template <class P>
void Region<P>::join_all(Tags& tags) noexcept {
  apart_ = 0;
  for (Span s = spans_; s != Tags::none; s = Header::at(tags, s)->next) {
    const Header* header = Header::at(tags, s);
    const Span end = tags.span_at(header->end(tail));
    for (Span span = tags.span_at(header->first()); span != end;) {
      size_t units = tags.length(span);
      if ((tags.word(span) & Tags::free_flag) != 0 && tags.free_after(span, units) != Tags::none) {
        index_.remove(tags, span);
        for (Span behind; (behind = tags.free_after(span, units)) != Tags::none;) {
          units += index_.remove(tags, behind);
        }
        index_.insert(tags, span, units);
      }
      span = tags.after(span, units);
    }
  }
  if constexpr (grows) return_empty_spans(tags, P::kept_empty_spans);
}

template <class P>
void Region<P>::destroy() noexcept {
  Hold hold(*this);
  Tags tags = this->tags();
  for (Span s = spans_; s != Tags::none;) {
    Header* header = Header::at(tags, s);
    s = header->next;
    if (header->from_source != 0) source_.give(header, header->bytes);
  }
  spans_ = saved_ = window_ = Tags::none;
  span_count_ = empty_spans_ = 0;
  identity_ = 0;
  first_place_ = ~size_t{0};
  low_ = last_place_ = managed_bytes_ = managed_units_ = used_blocks_ = apart_ = 0;
  saved_count_ = saved_units_ = window_units_ = 0;
  least_free_units_ = allocations_ = failures_ = looked_at_ = longest_search_ = 0;
  highest_ = Tags::none;
  damaged_ = false;
  last_error_ = RegionError::none;
  index_.reset();
  if constexpr (requires { index_.spans_changed(spans_); }) index_.spans_changed(spans_);
}

}  // namespace strata
