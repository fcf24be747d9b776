// Region: frees that are saved up, and giving them back.
#pragma once

#include "region/region.hpp"

namespace strata {

template <class P>
bool Region<P>::save(Tags& tags, Span span) noexcept {
  forget_types(reinterpret_cast<void*>(tags.address(span)));
  tags.word(span) |= Tags::saved_flag;
  tags.next(span) = Tags::none;
  (saved_ == Tags::none ? saved_ : tags.next(saved_last_)) = span;
  saved_last_ = span;
  saved_units_ += tags.length(span);
  const size_t capacity = freeing_.capacity();
  if (++saved_count_ < capacity) return saved_count_ == 1 || saved_count_ == capacity / 2;
  // Full. A batch goes back whole; a queue whose worker lags is relieved of a quarter.
  work_locked(tags, freeing_.by_worker() ? capacity / 4 + 1 : ~size_t{0});
  return false;
}

template <class P>
size_t Region<P>::work_locked(Tags& tags, size_t most) noexcept {
  for (; saved_ != Tags::none && most != 0; --most) {
    const Span span = saved_;
    saved_ = tags.next(span);
    --saved_count_;
    saved_units_ -= tags.length(span);
    tags.word(span) &= ~Tags::saved_flag;
    release(tags, span);
  }
  return saved_count_;
}

template <class P>
size_t Region<P>::work(size_t most) noexcept {
  // In small parts, so that nobody waits long for the lock.
  constexpr size_t part = 32;
  size_t left = 0;
  do {
    Hold hold(*this);
    Tags tags = this->tags();
    const size_t now = most < part ? most : part;
    left = work_locked(tags, now);
    most -= now;
  } while (left != 0 && most != 0);
  return left;
}

template <class P>
void Region<P>::settle() noexcept {
  Hold hold(*this);
  if (damaged_) return;
  Tags tags = this->tags();
  work_locked(tags, ~size_t{0});
  close_window(tags);
  if (apart_ != 0) join_all(tags);
}

}  // namespace strata
