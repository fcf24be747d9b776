// The span core: take n units, give them back, coalesce both ways; every operation O(1).
//
// Idea. Free spans sit in two-level segregated bins: the first level is the power of two of the
// length, the second cuts each power into 16 equal steps (4, from 2^CoarseLog2 units on). The
// request's own bin is searched first, a bounded number of steps: it holds the spans of just this
// length that were given back before. A bitmap, one bit a bin, finds the first filled bin behind
// it, whose every span is long enough. So a search is O(1), packs within two points of best fit,
// and refuses only when the space is truly crowded.
// A bin of a store that says so (by_address) is kept nearly in order of address: a span that comes
// walks past at most order_walk_limit lower ones. Spans of one length are then taken from below,
// and the long ones above stay whole. A cheaper half of that is lower_first: of the span that comes
// and the bin's first, the lower one stands in front.
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

#include "base/attributes.hpp"
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

// MaxLog2: spans are shorter than 2^MaxLog2 units. CoarseLog2: from that length on bins are wider,
// for owners whose spans are hardly ever so long, or who count each byte of the table.
template <TagStore Tags, unsigned MaxLog2 = 32, unsigned CoarseLog2 = MaxLog2>
class SpanCore {
  static_assert(MaxLog2 >= 6 && MaxLog2 <= 62 && CoarseLog2 >= 6 && CoarseLog2 <= MaxLog2);

 public:
  using Span = typename Tags::Span;
  static constexpr unsigned step_shift = 4;
  static constexpr unsigned steps = 1U << step_shift;
  static constexpr unsigned coarse_shift = 2;
  static constexpr unsigned fine_bins = (CoarseLog2 - step_shift + 1) * steps;
  static constexpr unsigned bins = fine_bins + ((MaxLog2 - CoarseLog2) << coarse_shift);
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
  [[nodiscard]] bool empty() const noexcept { return free_units_ == 0; }

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
    // this length that were given back lately. One scan of the map finds its first span or that of
    // a bin behind: asking the own bin first would be a branch that nobody can foresee.
    const unsigned own = bin_of(units);
    const Span head = first_from(own);
    if (head == Tags::none) return head;
    if (looked_at != nullptr) ++*looked_at;
    if (STRATA_LIKELY(tags.length(head) >= units)) return head;
    return find_behind(tags, head, own, units, looked_at);
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
    for (unsigned word = words; word-- > 0;) {
      if (map_[word] != 0) return heads_[word * 64 + log2_floor(map_[word])];
    }
    return Tags::none;
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
    bool good = bins % 64 == 0 || map_[words - 1] >> (bins % 64) == 0;
    for (unsigned bin = 0; bin < bins; ++bin) {
      good &= ((map_[bin / 64] >> (bin % 64)) & 1U) == (heads_[bin] != Tags::none ? 1U : 0U);
      Span last = before_head(tags, bin);
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
  // The bin that holds spans of this length. Below 2 * steps units each length has its own bin. The
  // | makes the shorter ones part of the first row without a branch.
  static constexpr unsigned bin_of(size_t units) noexcept {
    if constexpr (CoarseLog2 != MaxLog2) {
      if (STRATA_UNLIKELY(units >> CoarseLog2 != 0)) {
        const unsigned shift = log2_floor(units) - coarse_shift;
        const unsigned row = shift + coarse_shift - CoarseLog2;
        return fine_bins + (row << coarse_shift) + unsigned(units >> shift) - (1U << coarse_shift);
      }
    }
    const unsigned shift = log2_floor(units | steps) - step_shift;
    return (shift << step_shift) + unsigned(units >> shift);
  }

  static size_t skip_to(Tags& tags, Span span, size_t alignment) noexcept {
    const size_t position = tags.position(span);
    return align_up(position, alignment) - position;
  }

  // The first span of the first filled bin at or behind `bin`, or none. Never more than the words
  // of the map are looked at, and hardly ever more than two: one has four powers of two or more.
  [[nodiscard]] Span first_from(unsigned bin) const noexcept {
    unsigned word = bin / 64;
    std::uint64_t filled = map_[word] & (~std::uint64_t{0} << (bin % 64));
    while (filled == 0) {
      if (++word == words) return Tags::none;
      filled = map_[word];
    }
    return heads_[word * 64 + lowest_bit(filled)];
  }

  // The first span of the own bin is too short.
  [[gnu::noinline]] Span find_behind(Tags& tags, Span span, unsigned own, size_t units,
                                     size_t* looked_at) const noexcept {
    const Span head = first_from(own + 1);
    // Crowded: nothing behind, so the own bin is searched further.
    const unsigned limit = head != Tags::none ? near_search_limit : crowded_search_limit;
    for (unsigned i = 1; i < limit; ++i) {
      span = tags.next(span);
      if (span == Tags::none) break;
      if (looked_at != nullptr) ++*looked_at;
      if (tags.length(span) >= units) return span;
    }
    if (looked_at != nullptr && head != Tags::none) ++*looked_at;
    return head;
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
    const size_t length = unlink(tags, span);
    const size_t rest = length - skip - units;
    free_units_ -= units;
    if constexpr (requires { tags.shorten(span, skip, rest); }) {
      if (rest == 0) tags.mark_used(span, length);
      const Span taken = skip == 0 ? span : tags.advance(span, skip);
      if (rest != 0) link(tags, tags.shorten(taken, units, rest), rest);
      if (skip != 0) attach(tags, span, skip);
      return taken;
    } else {
      tags.mark_used(span, length);
      const Span taken = skip == 0 ? span : tags.advance(span, skip);
      if (skip != 0) attach(tags, span, skip);
      if (rest != 0) attach(tags, tags.advance(taken, units), rest);
      return taken;
    }
  }

  void attach(Tags& tags, Span span, size_t units) noexcept {
    tags.mark_free(span, units);
    link(tags, span, units);
  }

  void link(Tags& tags, Span span, size_t units) noexcept {
    const unsigned bin = bin_of(units);
    Span before = before_head(tags, bin);
    Span after = heads_[bin];
    if constexpr (lower_first) {
      // By a mask, because nobody can foresee the branch. That no span comes first is as if it
      // were the highest.
      Span lower = Span{0} - Span(after - 1 < span - 1);
      asm("" : "+r"(lower));  // or the compiler makes it a branch
      before ^= (before ^ after) & lower;
      after = tags.next(before);
    } else if constexpr (requires { requires Tags::by_address; }) {
      for (unsigned i = 0; i < order_walk_limit && after != Tags::none; ++i) {
        if (tags.position(after) > tags.position(span)) break;
        before = after;
        after = tags.next(after);
      }
    }
    tags.previous(span) = before;
    tags.next(span) = after;
    if constexpr (lower_first)
      tags.next(before) = span;
    else
      (before != before_head(tags, bin) ? tags.next(before) : heads_[bin]) = span;
    if (after != Tags::none)
      tags.previous(after) = span;
    else
      map_[bin / 64] |= std::uint64_t{1} << (bin % 64);
  }

  // What stands before the first span of a bin: where links are as wide as addresses, the head
  // itself, as if it were a span's `next`. So taking a span out need not ask whether it is the
  // first one, nor of which bin.
  static constexpr bool head_is_span = requires(Tags & t, Span* head) { t.span_before(head); };
  static constexpr bool lower_first = requires { requires head_is_span && Tags::lower_first; };
  Span before_head(Tags& tags, unsigned bin) const noexcept {
    if constexpr (head_is_span)
      return tags.span_before(&heads_[bin]);
    else
      return (void)tags, (void)bin, Tags::none;
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
    if constexpr (head_is_span) {
      tags.next(previous) = next;
      if (next != Tags::none) {
        tags.previous(next) = previous;
      } else {
        const size_t bin =
            (tags.address(previous) - reinterpret_cast<Address>(heads_)) / sizeof(Span);
        if (bin < bins) map_[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
      }
    } else {
      if (next != Tags::none) tags.previous(next) = previous;
      if (previous != Tags::none) {
        tags.next(previous) = next;
      } else {
        const unsigned bin = bin_of(units);
        heads_[bin] = next;
        if (next == Tags::none) map_[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
      }
    }
    return units;
  }

  static constexpr unsigned words = divide_up(bins, 64);
  std::uint64_t map_[words] = {};  // bit b: bin b is not empty
  size_t free_units_ = 0;
  Span heads_[bins] = {};
};

}  // namespace strata
