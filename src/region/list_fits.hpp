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

#include "region/list_index.hpp"
#include "region/span_header.hpp"

namespace strata::fit {

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
