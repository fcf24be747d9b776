// First, next and score fit: free blocks in doubly linked lists, searched block by block.
//
//   fit::First            the first block that is long enough; last freed, first looked at
//   fit::Next             the same, but each search goes on where the last one ended
//   fit::Score<exactness> between greedy and exact: a block's score is
//                           exactness * (granules too many) + (100 - exactness) * (blocks passed)
//                         and the least score wins. 0 is first fit, 100 is best fit; the search
//                         ends as soon as no block further on can win.
//   fit::FirstInSpan      each span has its own free list; spans are looked through in their order
//
// With `joining`, a search joins every block it looks at with the free blocks right behind it: a
// search that finds nothing has joined everything.
//
// Cost: giving and taking O(1), finding O(free blocks). That is the price of these policies, and
// what `strata lab` shows; fit::Good finds in O(1).
#pragma once

#include "region/span_header.hpp"
#include "region/words.hpp"
#include "span/in_band_tags.hpp"

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

template <class Tags>
class FirstIndex : public OneList<FirstIndex<Tags>, Tags> {
 public:
  using Span = typename Tags::Span;
  [[nodiscard]] Span find(Tags& tags, size_t units, bool joining, size_t* looked_at) noexcept {
    size_t looked = 0;
    const Span found = this->first_fit_from(tags, this->head_, Tags::none, units, joining, looked);
    if (looked_at != nullptr) *looked_at += looked;
    return found;
  }
};

template <class Tags>
class NextIndex : public OneList<NextIndex<Tags>, Tags> {
  using Base = OneList<NextIndex<Tags>, Tags>;

 public:
  using Span = typename Tags::Span;
  void leaves(Span span, Span heir) noexcept {
    if (rover_ == span) rover_ = heir;
  }
  void reset() noexcept {
    Base::reset();
    rover_ = Tags::none;
  }
  [[nodiscard]] Span find(Tags& tags, size_t units, bool joining, size_t* looked_at) noexcept {
    size_t looked = 0;
    Span found = this->first_fit_from(tags, rover_, Tags::none, units, joining, looked);
    // Once around. Joining may have moved what the rover was, so the second part runs to the end.
    if (found == Tags::none) {
      found = this->first_fit_from(tags, this->head_, joining ? Tags::none : rover_, units, joining,
                                   looked);
    }
    if (found != Tags::none) rover_ = found;
    if (looked_at != nullptr) *looked_at += looked;
    return found;
  }

 private:
  Span rover_ = Tags::none;  // where the next search begins; none: at the head
};

template <class Tags, unsigned exactness>
class ScoreIndex : public OneList<ScoreIndex<Tags, exactness>, Tags> {
  static_assert(exactness <= 100);

 public:
  using Span = typename Tags::Span;
  [[nodiscard]] Span find(Tags& tags, size_t units, bool joining, size_t* looked_at) noexcept {
    return search(tags, units, joining, looked_at, exactness);
  }

 protected:
  Span search(Tags& tags, size_t units, bool joining, size_t* looked_at, unsigned exact) noexcept {
    best_ = Tags::none;
    size_t best_score = ~size_t{0};
    size_t passed_cost = 0;
    size_t looked = 0;
    for (Span span = this->head_; span != Tags::none; span = tags.next(span)) {
      if (best_ != Tags::none && passed_cost >= best_score)
        break;  // even an exact fit would not win from here on
      ++looked;
      const size_t length = joining ? this->join_behind(tags, span) : tags.length(span);
      if (length >= units) {
        const size_t score = exact * (length - units) + passed_cost;
        if (score < best_score || best_ == Tags::none) {
          best_ = span;
          best_score = score;
          if (length == units) break;
        }
      }
      passed_cost += 100 - exact;
    }
    if (looked_at != nullptr) *looked_at += looked;
    return best_;
  }

 private:
  friend class ListIndex<ScoreIndex, Tags>;  // calls leaves()
  // Joining may swallow the best block so far; the longer block it became part of is looked at
  // next.
  void leaves(Span span, Span) noexcept {
    if (span == best_) best_ = Tags::none;
  }

  Span best_ = Tags::none;  // of the running search; meaningless outside of it
};

// A list in each span's header, found through the blocks' owner links.
template <class Tags>
class FirstInSpanIndex : public ListIndex<FirstInSpanIndex<Tags>, Tags> {
 public:
  using Span = typename Tags::Span;
  using Header = SpanHeader<Tags>;

  void spans_changed(Span first) noexcept { first_span_ = first; }
  Span& head_of(Tags& tags, Span span) noexcept {
    return Header::at(tags, tags.owner(span))->free_list;
  }
  void leaves(Span, Span) noexcept {}

  [[nodiscard]] Span find(Tags& tags, size_t units, bool joining, size_t* looked_at) noexcept {
    size_t looked = 0;
    Span found = Tags::none;
    for (Span s = first_span_; s != Tags::none && found == Tags::none;) {
      const Header* header = Header::at(tags, s);
      found = this->first_fit_from(tags, header->free_list, Tags::none, units, joining, looked);
      s = header->next;
    }
    if (looked_at != nullptr) *looked_at += looked;
    return found;
  }
  template <class Visit>
  void for_each_free(Tags& tags, Visit&& visit) noexcept {
    for (Span s = first_span_; s != Tags::none; s = Header::at(tags, s)->next) {
      for (Span b = Header::at(tags, s)->free_list; b != Tags::none; b = tags.next(b)) {
        visit(b, tags.length(b));
      }
    }
  }
  [[nodiscard]] bool check(Tags& tags, bool apart) noexcept {
    size_t sum = 0;
    bool good = true;
    for (Span s = first_span_; s != Tags::none && good; s = Header::at(tags, s)->next) {
      good = this->check_list(tags, Header::at(tags, s)->free_list, apart, sum);
    }
    return good && sum == this->free_units_;
  }
  // The region has emptied the spans' lists.
  void reset() noexcept { this->free_units_ = 0; }

 private:
  Span first_span_ = Tags::none;  // the region tells it
};

struct First {
  static constexpr const char* name = "first";
  template <class Tags, unsigned>
  using Index = FirstIndex<Tags>;
};

struct FirstInSpan {
  static constexpr const char* name = "first-in-span";
  template <class Tags, unsigned>
  using Index = FirstInSpanIndex<Tags>;
};

struct Next {
  static constexpr const char* name = "next";
  template <class Tags, unsigned>
  using Index = NextIndex<Tags>;
};

template <unsigned exactness = 75>
struct Score {
  static constexpr const char* name = "score";
  template <class Tags, unsigned>
  using Index = ScoreIndex<Tags, exactness>;
};

}  // namespace strata::fit
