// UsedTable: finds the segment of a used range by its address. Hash with chains, grown by doubling.
//
// It is what makes freeing O(1) and checked: an address that is not the start of a used range is
// not in it. When memory for a bigger table is refused the old one stays, and chains get longer.
// Bucket arrays come from the TagMemory's take_array/give_array. Not synchronised.
#pragma once

#include "base/bits.hpp"
#include "span/external_tags.hpp"

namespace strata {

template <class TagMemory>
class UsedTable {
 public:
  explicit UsedTable(TagMemory& memory) noexcept : memory_(memory) {}

  bool start() noexcept {
    return buckets_ != nullptr || resize(TagMemory::page_bytes / sizeof(void*));
  }

  // Keyed by the first unit the user sees: behind the guard.
  void insert(Segment* segment) noexcept {
    if (count_ >= size_ * 2) resize(size_ * 4);
    Segment*& head = buckets_[bucket(key(segment), size_)];
    segment->next = head;
    head = segment;
    ++count_;
  }

  [[nodiscard]] Segment* find(size_t position) const noexcept {
    if (size_ == 0) return nullptr;
    Segment* segment = buckets_[bucket(position, size_)];
    while (segment != nullptr && key(segment) != position) segment = segment->next;
    return segment;
  }

  void remove(Segment* segment) noexcept {
    Segment** link = &buckets_[bucket(key(segment), size_)];
    while (*link != segment) link = &(*link)->next;
    *link = segment->next;
    segment->next = nullptr;
    --count_;
  }

  void release() noexcept {
    if (buckets_ != nullptr) memory_.give_array(buckets_, size_ * sizeof(void*));
    buckets_ = nullptr;
    size_ = count_ = 0;
  }

  [[nodiscard]] size_t count() const noexcept { return count_; }

 private:
  static size_t key(const Segment* segment) noexcept {
    return segment->position + segment->guard_before;
  }
  // Fibonacci hashing: the top bits of a product spread neighbours apart.
  static size_t bucket(size_t position, size_t size) noexcept {
    return (position * 0x9e3779b97f4a7c15u) >> (64 - log2_floor(size));
  }

  bool resize(size_t size) noexcept {
    auto** fresh = static_cast<Segment**>(memory_.take_array(size * sizeof(void*)));
    if (fresh == nullptr) return false;
    for (size_t i = 0; i < size; ++i) fresh[i] = nullptr;
    for (size_t i = 0; i < size_; ++i) {
      for (Segment *segment = buckets_[i], *next; segment != nullptr; segment = next) {
        next = segment->next;
        Segment*& head = fresh[bucket(key(segment), size)];
        segment->next = head;
        head = segment;
      }
    }
    if (buckets_ != nullptr) memory_.give_array(buckets_, size_ * sizeof(void*));
    buckets_ = fresh;
    size_ = size;
    return true;
  }

  TagMemory& memory_;
  Segment** buckets_ = nullptr;
  size_t size_ = 0;  // a power of two
  size_t count_ = 0;
};

}  // namespace strata
