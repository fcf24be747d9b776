// MemoryMap: turns what firmware says about memory into sorted, disjoint, whole-frame spans.
//
// Firmware maps are unsorted, overlap, hold empty and wrapping entries, and end at odd bytes. The
// rules that make them safe:
//
//   firmware   |---- usable ----|     |-- usable --|            in any order, any overlap
//                    |---- reserved ----|
//   here       |#####|                  |##########|            reserved wins, byte by byte;
//              ^ up to a frame        down to a frame ^         at last rounded inwards
//
// Use: add() every usable piece, then reserve() every piece that must not be touched (reserved
// firmware entries, the kernel, its modules, the map itself), then finish(). read() does the first
// two for a whole firmware map in two walks, so the entries' order does not matter and the number
// of entries has no limit; only the number of spans that remain has.
//
// Nothing is lost silently: what was refused, rounded away or did not fit stands in the report.
// When the table is full the smallest span goes. Allocates nothing, needs no memory but itself.
//
// Invariants: spans are sorted by base, do not touch or overlap, are not empty. O(n) an entry.
#pragma once

#include "base/bits.hpp"
#include "base/frame.hpp"
#include "base/units.hpp"

namespace strata {

// [base, end) in physical bytes.
struct MemorySpan {
  std::uint64_t base;
  std::uint64_t end;

  [[nodiscard]] constexpr std::uint64_t bytes() const noexcept { return end - base; }
};

struct MemoryMapReport {
  size_t entries = 0;               // handed to us
  size_t empty = 0;                 // of length 0
  size_t wrapping = 0;              // running over the top of the number range
  size_t late = 0;                  // usable ones refused because reserve() had begun
  std::uint64_t beyond_bytes = 0;   // usable, but beyond what a CPU can address
  std::uint64_t rounded_bytes = 0;  // usable, but not a whole frame
  std::uint64_t lost_bytes = 0;     // usable, but the table was full
};

template <size_t Capacity>
class MemoryMap {
 public:
  static constexpr unsigned address_bits = 52;
  static constexpr std::uint64_t address_limit = std::uint64_t{1} << address_bits;

  // Reads a firmware map. `Reader::for_each(visit)` calls visit(base, length, usable) per entry.
  template <class Reader>
  void read(const Reader& reader) noexcept {
    reader.for_each([this](std::uint64_t base, std::uint64_t length, bool usable) {
      ++report_.entries;
      if (usable) add(base, length);
    });
    reader.for_each([this](std::uint64_t base, std::uint64_t length, bool usable) {
      if (!usable) reserve(base, length);
    });
  }

  // [base, base + length) is RAM. A wrapping entry is refused: nobody knows what it meant.
  void add(std::uint64_t base, std::uint64_t length) noexcept {
    if (length == 0) {
      ++report_.empty;
      return;
    }
    if (reserving_) {
      ++report_.late;
      return;
    }
    std::uint64_t end = base + length;
    if (end < base && end != 0) {
      ++report_.wrapping;
      return;
    }
    if (end == 0 || end > address_limit) {  // 0: exactly up to the top
      const std::uint64_t from = base > address_limit ? base : address_limit;
      report_.beyond_bytes += end - from;
      end = address_limit;
    }
    if (base < end) insert({base, end});
  }

  // [base, base + length) must not be handed out. A wrapping piece reaches to the top: the safe
  // side.
  void reserve(std::uint64_t base, std::uint64_t length) noexcept {
    reserving_ = true;
    if (length == 0) return;
    const std::uint64_t end = base + length < base ? ~std::uint64_t{0} : base + length;
    for (size_t i = 0; i < count_;) {
      MemorySpan& span = spans_[i];
      if (span.end <= base) {
        ++i;
        continue;
      }
      if (span.base >= end) break;
      const MemorySpan before{span.base, base};
      const MemorySpan after{end, span.end};
      const bool keep_before = span.base < base;
      const bool keep_after = end < span.end;
      if (keep_before && keep_after) {
        span = before;
        insert_at(i + 1, after);
        break;
      }
      if (keep_before) {
        span = before;
        ++i;
      } else if (keep_after) {
        span = after;
        break;
      } else {
        remove_at(i);
      }
    }
  }

  // Drops page 0 (the null pointer's) and rounds every span inwards to whole frames.
  void finish() noexcept {
    reserve(0, frame_size);
    for (size_t i = 0; i < count_;) {
      MemorySpan& span = spans_[i];
      const MemorySpan whole{align_up(span.base, frame_size), align_down(span.end, frame_size)};
      if (whole.base >= whole.end) {
        report_.rounded_bytes += span.bytes();
        remove_at(i);
        continue;
      }
      report_.rounded_bytes += span.bytes() - whole.bytes();
      span = whole;
      ++i;
    }
  }

  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] const MemorySpan& operator[](size_t i) const noexcept { return spans_[i]; }
  [[nodiscard]] const MemorySpan* begin() const noexcept { return spans_; }
  [[nodiscard]] const MemorySpan* end() const noexcept { return spans_ + count_; }
  [[nodiscard]] const MemoryMapReport& report() const noexcept { return report_; }
  [[nodiscard]] std::uint64_t usable_bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const MemorySpan& span : *this) sum += span.bytes();
    return sum;
  }

 private:
  // Joins a new usable span with all it overlaps or touches.
  void insert(MemorySpan span) noexcept {
    size_t first = 0;
    while (first < count_ && spans_[first].end < span.base) ++first;
    while (first < count_ && spans_[first].base <= span.end) {
      if (spans_[first].base < span.base) span.base = spans_[first].base;
      if (spans_[first].end > span.end) span.end = spans_[first].end;
      remove_at(first);
    }
    insert_at(first, span);
  }

  void insert_at(size_t index, MemorySpan span) noexcept {
    if (count_ == Capacity) {
      size_t smallest = 0;
      for (size_t i = 1; i < count_; ++i) {
        if (spans_[i].bytes() < spans_[smallest].bytes()) smallest = i;
      }
      if (span.bytes() <= spans_[smallest].bytes()) {
        report_.lost_bytes += span.bytes();
        return;
      }
      report_.lost_bytes += spans_[smallest].bytes();
      remove_at(smallest);
      if (smallest < index) --index;
    }
    for (size_t i = count_; i > index; --i) spans_[i] = spans_[i - 1];
    spans_[index] = span;
    ++count_;
  }

  void remove_at(size_t index) noexcept {
    --count_;
    for (size_t i = index; i < count_; ++i) spans_[i] = spans_[i + 1];
  }

  size_t count_ = 0;
  bool reserving_ = false;
  MemoryMapReport report_;
  MemorySpan spans_[Capacity] = {};
};

}  // namespace strata
