// The span core: take n units, give them back, coalesce both ways; every operation O(1).
//
// Idea. Free spans sit in two-level segregated bins: the first level is the power of two of the
// length, the second cuts each power into 16 equal steps. The request's own bin is searched first,
// a bounded number of steps: it holds the spans of just this length that were given back before.
// Two bitmaps find the first filled bin behind it, whose every span is long enough. So a search is
// O(1), packs within two points of best fit, and refuses only when the space is truly crowded.
// A bin of a store that says so (by_address) is kept nearly in order of address: a span that comes
// walks past at most order_walk_limit lower ones. Spans of one length are then taken from below,
// and the long ones above stay whole.
//
// What a span *is* and where its tags stand is the tag store's business (see TagStore): outside
// the memory in a table (ranges, frames), in descriptors of their own, or in band (region). The
// core itself touches no managed memory.
//
// Owners who choose a span themselves (serve from its end, never leave a crumb, join later) use
// the steps one by one: find() or find_best(), then take_at(); insert() is give() that does not
// join.
//
// Invariants, checked by check(): no two free spans touch (unless insert() is used); every free
// span is in the bin of its length; the bitmaps say which bins are not empty; free_units() is the
// sum of the lengths.
//
// Not here: locking (the owner of the core locks), growth, purging.
#pragma once

#include <concepts>

#include "base/bits.hpp"
#include "base/units.hpp"

namespace strata {

// What the core asks of the place where tags stand. A Span is a handle to the first unit of a span
// (an index, an address or a descriptor); `none` is no span.
template <class T>
concept TagStore = requires(T& tags, typename T::Span span, size_t units) {
  { T::none } -> std::convertible_to<typename T::Span>;
  // Units in the free span.
  { tags.length(span) }
  noexcept->std::same_as<size_t>;
  // Position of the first unit, for alignment.
  { tags.position(span) }
  noexcept->std::same_as<size_t>;
  // The FREE span that ends where [span, span + units) begins, or none; and the one behind it.
  { tags.free_before(span) }
  noexcept->std::same_as<typename T::Span>;
  { tags.free_after(span, units) }
  noexcept->std::same_as<typename T::Span>;
  // Handle of the unit `units` behind the first one of `span`. Never `none`.
  { tags.advance(span, units) }
  noexcept->std::same_as<typename T::Span>;
  // From now on [span, span + units) is one free span, or no longer a free span.
  { tags.mark_free(span, units) }
  noexcept;
  { tags.mark_used(span, units) }
  noexcept;
  // Link words of a free span, for the bin's list.
  { tags.next(span) }
  noexcept->std::same_as<typename T::Span&>;
  { tags.previous(span) }
  noexcept->std::same_as<typename T::Span&>;
};

// Which bins are not empty, and which bin is whose. Cores of the same number of rows share its
// code.
template <unsigned Rows>
class SpanBins {
 public:
  static constexpr unsigned step_shift = 4;
  static constexpr unsigned steps = 1U << step_shift;
  static constexpr unsigned none = ~0U;

  // The bin that holds spans of this length: row * steps + step. Below 2 * steps units each length
  // has its own bin. The | makes the shorter ones row 0 without a branch.
  static constexpr unsigned bin_of(size_t units) noexcept {
    const unsigned shift = log2_floor(units | steps) - step_shift;
    return (shift << step_shift) + unsigned(units >> shift);
  }

  [[nodiscard]] constexpr bool empty() const noexcept { return row_map_ == 0; }
  constexpr void fill(unsigned bin) noexcept {
    step_maps_[bin / steps] |= std::uint32_t{1} << (bin % steps);
    row_map_ |= std::uint64_t{1} << (bin / steps);
  }
  constexpr void clear(unsigned bin) noexcept {
    const unsigned row = bin / steps;
    step_maps_[row] &= ~(std::uint32_t{1} << (bin % steps));
    if (step_maps_[row] == 0) row_map_ &= ~(std::uint64_t{1} << row);
  }

  // The first filled bin at or behind `bin`, or none.
  [[nodiscard]] constexpr unsigned first_from(unsigned bin) const noexcept {
    const unsigned row = bin / steps;
    const std::uint32_t in_row = step_maps_[row] & (~std::uint32_t{0} << (bin % steps));
    if (in_row != 0) return row * steps + lowest_bit(in_row);
    // row <= 58, so that the shift below is always less than 64.
    const std::uint64_t rows_behind = row_map_ & (~std::uint64_t{0} << (row + 1));
    if (rows_behind == 0) return none;
    const unsigned found = lowest_bit(rows_behind);
    return found * steps + lowest_bit(step_maps_[found]);
  }
  // The last filled bin; there is one.
  [[nodiscard]] constexpr unsigned last() const noexcept {
    const unsigned row = log2_floor(row_map_);
    return row * steps + log2_floor(step_maps_[row]);
  }

  // Whether the maps agree that `bin` is filled, or not, and have no bit too many.
  [[nodiscard]] constexpr bool agrees(unsigned bin, bool filled) const noexcept {
    const unsigned row = bin / steps;
    return row_map_ >> Rows == 0 && step_maps_[row] >> steps == 0 &&
           ((row_map_ >> row) & 1U) == (step_maps_[row] != 0 ? 1U : 0U) &&
           ((step_maps_[row] >> (bin % steps)) & 1U) == (filled ? 1U : 0U);
  }

 private:
  std::uint64_t row_map_ = 0;           // bit r: some bin of row r is not empty
  std::uint32_t step_maps_[Rows] = {};  // bit s: bin (r, s) is not empty
};

// MaxLog2: spans are shorter than 2^MaxLog2 units.
template <TagStore Tags, unsigned MaxLog2 = 32>
class SpanCore {
  static_assert(MaxLog2 >= 6 && MaxLog2 <= 62, "a row's number must fit a shift of 64 bits");

 public:
  using Span = typename Tags::Span;
  static constexpr unsigned step_shift = SpanBins<1>::step_shift;
  static constexpr unsigned steps = 1U << step_shift;
  static constexpr unsigned rows = MaxLog2 - step_shift + 1;
  static constexpr unsigned bins = rows * steps;
  // Spans of the request's own bin that are looked at before longer bins, and before giving up.
  // Looking first costs nothing measurable and takes 1 to 15% off the memory a trace needs.
  static constexpr unsigned near_search_limit = 8;
  static constexpr unsigned crowded_search_limit = 16;
  // Utilisation at the first failure, sizes 70/25/5 mixed: 0.80 by 0 steps, 0.84 by 4, 0.85 by 32,
  // and best fit by address 0.86 (frames_bench span).
  static constexpr unsigned order_walk_limit = 4;

  constexpr SpanCore() noexcept {
    if constexpr (Tags::none != Span{}) {
      for (Span& head : heads_) head = Tags::none;
    }
  }

  [[nodiscard]] size_t free_units() const noexcept { return free_units_; }
  [[nodiscard]] bool empty() const noexcept { return maps_.empty(); }

  // Gives [span, span + units) to the core, joined with free neighbours. Returns the joined span.
  Span give(Tags& tags, Span span, size_t units) noexcept {
    free_units_ += units;
    if (const Span after = tags.free_after(span, units); after != Tags::none) {
      units += absorb(tags, after);
    }
    if (const Span before = tags.free_before(span); before != Tags::none) {
      units += absorb(tags, before);
      if constexpr (requires { tags.swallowed(span); }) tags.swallowed(span);
      span = before;
    }
    attach(tags, span, units);
    return span;
  }

  // Gives [span, span + units) to the core as a free span of its own, touching others or not.
  void insert(Tags& tags, Span span, size_t units) noexcept {
    free_units_ += units;
    attach(tags, span, units);
  }

  // A free span of at least `units` that fits well, or none; it stays free. O(1): looks at no more
  // than crowded_search_limit spans. `looked_at`, if given, grows by their number.
  [[nodiscard]] Span find(Tags& tags, size_t units, size_t* looked_at = nullptr) const noexcept {
    if (units == 0 || units >= (size_t{1} << (MaxLog2 - 1))) return Tags::none;
    // The bin of `units` itself holds spans some of which are long enough, likely ones of exactly
    // this length that were given back lately.
    const unsigned own = bin_of(units);
    const Span head = first_from(own + 1);
    // Crowded: nothing behind, so the own bin is searched further.
    const unsigned limit = head != Tags::none ? near_search_limit : crowded_search_limit;
    Span span = heads_[own];
    for (unsigned i = 0; span != Tags::none && i < limit; ++i) {
      if (looked_at != nullptr) ++*looked_at;
      if (tags.length(span) >= units) return span;
      span = tags.next(span);
    }
    if (looked_at != nullptr && head != Tags::none) ++*looked_at;
    return head;
  }

  // The shortest free span of at least `units`, or none; it stays free. Exact, because bins are
  // ordered by length: it stands in the bin of `units`, or in the first filled one behind. O(spans
  // in these two bins).
  [[nodiscard]] Span find_best(Tags& tags, size_t units,
                               size_t* looked_at = nullptr) const noexcept {
    if (units == 0 || units >= (size_t{1} << (MaxLog2 - 1))) return Tags::none;
    const unsigned own = bin_of(units);
    const Span here = shortest_of(tags, heads_[own], units, looked_at);
    if (here != Tags::none) return here;
    return shortest_of(tags, first_from(own + 1), units, looked_at);
  }

  // Takes `units` from the start of a free span that fits well, or none.
  Span take(Tags& tags, size_t units) noexcept {
    const Span span = find(tags, units);
    if (span == Tags::none) return Tags::none;
    return carve(tags, span, 0, units);
  }

  // Takes `units` whose position is a multiple of `alignment` (a power of two), or none.
  Span take_aligned(Tags& tags, size_t units, size_t alignment) noexcept {
    return take_cut(tags, units, alignment).span;
  }

  // As take_aligned, and says from which free span it was cut (whose handle now stands for what is
  // left in front of the taken one, if anything is).
  struct Taken {
    Span span = Tags::none;
    Span from = Tags::none;
  };
  Taken take_cut(Tags& tags, size_t units, size_t alignment) noexcept {
    // First a span that just fits, should it happen to be aligned; then one that must hold it.
    Span span = find(tags, units);
    if (span == Tags::none) return {};
    size_t skip = alignment <= 1 ? 0 : skip_to(tags, span, alignment);
    if (skip + units > tags.length(span)) {
      span = find(tags, units + alignment - 1);
      if (span == Tags::none) return {};
      skip = skip_to(tags, span, alignment);
    }
    return {carve(tags, span, skip, units), span};
  }

  // Takes exactly [span, span + units): the start of the free span `span`. For growth in place.
  void take_front(Tags& tags, Span span, size_t units) noexcept { carve(tags, span, 0, units); }

  // Takes the `units` that begin `skip` units into the free span `span`.
  Span take_at(Tags& tags, Span span, size_t skip, size_t units) noexcept {
    return carve(tags, span, skip, units);
  }

  // Takes the whole free span `span` out, returning its length.
  size_t take_whole(Tags& tags, Span span) noexcept {
    const size_t units = detach(tags, span);
    free_units_ -= units;
    return units;
  }

  // The first free span of the longest bin, or none: what to purge or release first.
  [[nodiscard]] Span longest(Tags&) const noexcept {
    return maps_.empty() ? Tags::none : heads_[maps_.last()];
  }

  // Calls visit(span, units) for every free span.
  template <class Visit>
  void for_each_free(Tags& tags, Visit&& visit) const noexcept {
    for (const Span head : heads_) {
      for (Span s = head; s != Tags::none; s = tags.next(s)) visit(s, tags.length(s));
    }
  }

  // True when every invariant of the head comment holds; `apart` says whether insert() has been
  // used, so that free spans may touch. O(free spans).
  [[nodiscard]] bool check(Tags& tags, bool apart = false) const noexcept {
    size_t sum = 0;
    bool good = true;
    for (unsigned bin = 0; bin < bins; ++bin) {
      good &= maps_.agrees(bin, heads_[bin] != Tags::none);
      Span last = Tags::none;
      for (Span s = heads_[bin]; s != Tags::none && good; last = s, s = tags.next(s)) {
        const size_t units = tags.length(s);
        good &= bin_of(units) == bin && tags.previous(s) == last;
        good &=
            apart || (tags.free_after(s, units) == Tags::none && tags.free_before(s) == Tags::none);
        sum += units;
      }
    }
    return good && sum == free_units_;
  }

 private:
  // Small code has one kind of maps for all cores of the three storeys.
  using Bins = SpanBins < built_small&& rows<33 ? 33 : rows>;
  static constexpr unsigned bin_of(size_t units) noexcept { return Bins::bin_of(units); }

  static size_t skip_to(Tags& tags, Span span, size_t alignment) noexcept {
    const size_t position = tags.position(span);
    return align_up(position, alignment) - position;
  }

  // The first span of the first filled bin at or behind `bin`, or none.
  [[nodiscard]] Span first_from(unsigned bin) const noexcept {
    const unsigned found = maps_.first_from(bin);
    return found != Bins::none ? heads_[found] : Tags::none;
  }

  // The shortest span of at least `units` in the list that starts at `span`, or none.
  static Span shortest_of(Tags& tags, Span span, size_t units, size_t* looked_at) noexcept {
    Span best = Tags::none;
    size_t best_length = ~size_t{0};
    for (; span != Tags::none; span = tags.next(span)) {
      if (looked_at != nullptr) ++*looked_at;
      const size_t length = tags.length(span);
      if (length < units || length >= best_length) continue;
      best = span;
      best_length = length;
      if (length == units) break;
    }
    return best;
  }

  // Cuts [span + skip, + units) out of the free span; what is left on both sides stays free.
  Span carve(Tags& tags, Span span, size_t skip, size_t units) noexcept {
    const size_t length = detach(tags, span);
    const Span taken = skip == 0 ? span : tags.advance(span, skip);
    if (skip != 0) attach(tags, span, skip);
    if (length > skip + units) attach(tags, tags.advance(taken, units), length - skip - units);
    free_units_ -= units;
    return taken;
  }

  void attach(Tags& tags, Span span, size_t units) noexcept {
    tags.mark_free(span, units);
    const unsigned bin = bin_of(units);
    Span& head = heads_[bin];
    Span before = Tags::none;
    Span after = head;
    if constexpr (requires { requires Tags::by_address; }) {
      for (unsigned i = 0; i < order_walk_limit && after != Tags::none; ++i) {
        if (tags.position(after) > tags.position(span)) break;
        before = after;
        after = tags.next(after);
      }
    }
    tags.previous(span) = before;
    tags.next(span) = after;
    if (after != Tags::none) tags.previous(after) = span;
    (before != Tags::none ? tags.next(before) : head) = span;
    maps_.fill(bin);
  }

  size_t detach(Tags& tags, Span span) noexcept {
    const size_t units = unlink(tags, span);
    tags.mark_used(span, units);
    return units;
  }

  // Takes out a neighbour that is about to become part of a longer free span. A store whose tags of
  // it die with that says so (joins_silently) and is spared the marking; one that wants to know of
  // a given span that was joined to the one before it has swallowed(span).
  size_t absorb(Tags& tags, Span span) noexcept {
    if constexpr (requires { requires Tags::joins_silently; }) {
      return unlink(tags, span);
    } else {
      return detach(tags, span);
    }
  }

  size_t unlink(Tags& tags, Span span) noexcept {
    const size_t units = tags.length(span);
    const Span next = tags.next(span);
    const Span previous = tags.previous(span);
    if (next != Tags::none) tags.previous(next) = previous;
    if (previous != Tags::none) {
      tags.next(previous) = next;
    } else {
      const unsigned bin = bin_of(units);
      heads_[bin] = next;
      if (next == Tags::none) maps_.clear(bin);
    }
    return units;
  }

  Bins maps_;
  size_t free_units_ = 0;
  Span heads_[bins] = {};
};

}  // namespace strata
