// Lists of free blocks: joining, cutting, walking; what the fits of list_fits.hpp have in common.
#pragma once

#include "base/units.hpp"

namespace strata::fit {

// What lists have in common: joining, cutting, and a search's walk. Derived says where heads stand.
template <class Derived, class Tags>
class ListIndex {
 public:
  using Span = typename Tags::Span;
  static constexpr bool constant_time = false;

  void insert(Tags& tags, Span span, size_t units) noexcept {
    free_units_ += units;
    tags.mark_free(span, units);
    link(tags, span);
  }
  size_t remove(Tags& tags, Span span) noexcept {
    const size_t units = tags.length(span);
    unlink(tags, span);
    tags.mark_used(span, units);
    free_units_ -= units;
    return units;
  }
  Span give(Tags& tags, Span span, size_t units) noexcept {
    free_units_ += units;
    if (const Span after = tags.free_after(span, units); after != Tags::none) {
      units += tags.length(after);
      unlink(tags, after);
    }
    if (const Span before = tags.free_before(span); before != Tags::none) {
      // The list keeps the longer block in its place.
      units += tags.length(before);
      tags.swallowed(span);
      tags.mark_free(before, units);
      return before;
    }
    tags.mark_free(span, units);
    link(tags, span);
    return span;
  }
  Span take_at(Tags& tags, Span span, size_t skip, size_t units) noexcept {
    const size_t length = tags.length(span);
    const size_t rest = length - skip - units;
    free_units_ -= units;
    if (skip != 0) {  // the front stays free where it is
      tags.mark_used(span, length);
      const Span taken = tags.advance(span, skip);
      tags.mark_free(span, skip);
      if (rest != 0) {
        const Span behind = tags.advance(taken, units);
        tags.mark_free(behind, rest);
        link(tags, behind);
      }
      return taken;
    }
    if (rest != 0) {
      // The rest takes the block's place in the list, so that a rover or an order is kept. Its tag
      // may stand where the block's links are, so those are read before.
      const Span next = tags.next(span);
      const Span previous = tags.previous(span);
      tags.mark_used(span, length);
      const Span behind = tags.advance(span, units);
      tags.mark_free(behind, rest);
      derived().leaves(span, behind);
      tags.next(behind) = next;
      tags.previous(behind) = previous;
      if (next != Tags::none) tags.previous(next) = behind;
      (previous != Tags::none ? tags.next(previous) : derived().head_of(tags, behind)) = behind;
      return span;
    }
    unlink(tags, span);
    tags.mark_used(span, length);
    return span;
  }
  [[nodiscard]] size_t free_units() const noexcept { return free_units_; }

 protected:
  // Joins the free block with the free ones behind it; returns its length.
  size_t join_behind(Tags& tags, Span span) noexcept {
    const size_t before = tags.length(span);
    size_t units = before;
    for (Span after; (after = tags.free_after(span, units)) != Tags::none;) {
      units += tags.length(after);
      unlink(tags, after);
    }
    if (units != before) tags.mark_free(span, units);
    return units;
  }
  [[nodiscard]] Span first_fit_from(Tags& tags, Span span, Span end, size_t units, bool joining,
                                    size_t& looked_at) noexcept {
    for (; span != end; span = tags.next(span)) {
      ++looked_at;
      if ((joining ? join_behind(tags, span) : tags.length(span)) >= units) return span;
    }
    return Tags::none;
  }
  // Is the list from `head` well linked? Adds up the lengths.
  static bool check_list(Tags& tags, Span head, bool apart, size_t& sum) noexcept {
    bool good = true;
    Span last = Tags::none;
    for (Span span = head; span != Tags::none && good; last = span, span = tags.next(span)) {
      const size_t units = tags.length(span);
      good = tags.previous(span) == last && (tags.word(span) & Tags::free_flag) != 0;
      good &= apart ||
              (tags.free_after(span, units) == Tags::none && tags.free_before(span) == Tags::none);
      sum += units;
    }
    return good;
  }

  size_t free_units_ = 0;  // sum of the lengths

 private:
  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  void link(Tags& tags, Span span) noexcept {
    Span& head = derived().head_of(tags, span);
    tags.previous(span) = Tags::none;
    tags.next(span) = head;
    if (head != Tags::none) tags.previous(head) = span;
    head = span;
  }
  void unlink(Tags& tags, Span span) noexcept {
    const Span next = tags.next(span);
    derived().leaves(span, next);
    const Span previous = tags.previous(span);
    if (next != Tags::none) tags.previous(next) = previous;
    (previous != Tags::none ? tags.next(previous) : derived().head_of(tags, span)) = next;
  }
};

// One list for the whole region.
template <class Derived, class Tags>
class OneList : public ListIndex<Derived, Tags> {
 public:
  using Span = typename Tags::Span;
  Span& head_of(Tags&, Span) noexcept { return head_; }
  void leaves(Span, Span) noexcept {}
  template <class Visit>
  void for_each_free(Tags& tags, Visit&& visit) noexcept {
    for (Span span = head_; span != Tags::none; span = tags.next(span)) {
      visit(span, tags.length(span));
    }
  }
  [[nodiscard]] bool check(Tags& tags, bool apart) noexcept {
    size_t sum = 0;
    return this->check_list(tags, head_, apart, sum) && sum == this->free_units_;
  }
  void reset() noexcept {
    head_ = Tags::none;
    this->free_units_ = 0;
  }

 protected:
  Span head_ = Tags::none;  // last freed
};

}  // namespace strata::fit
