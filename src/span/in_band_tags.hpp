// InBandTags: the span core's tag store inside the memory it manages.
//
// A span handle is a link to the block's payload; everything else stands below it:
//
//      used block                                free block
//   -H  [ mark ] [ owner ] ... tag              [ mark ] [ owner ] ... tag (free)
//    0  payload ...                              next | previous | (nothing) ... footer
//        ... to -H of the block behind            the footer is its last word: its size
//
// `tag` is one word right below the payload: size in granules, and in its low bits
//   1  free              the block is free
//   2  previous free     the block below it is free, so the word before -H is that one's footer
//   4  saved             freed by the user, not yet given back (batched frees), or set aside
// The footer costs nothing while a block is used. `mark` and `owner` exist only when a policy asks
// for them: a number that must be there (see Mark), and a link to the span the block came from.
//
// The last tag of a span has size 0 and is never free: the end. The first block's "previous free"
// is never set. So neither neighbour needs a test for the edges.
//
// Cost: each function is one to three words touched. Nothing is checked here; see Region.
#pragma once

#include "base/attributes.hpp"
#include "base/bits.hpp"
#include "span/in_band_layout.hpp"

namespace strata {

// What stands in the block's header to show that it is one.
enum class Mark {
  none,
  number,   // one constant, the "magic number"
  address,  // the payload's own address (or its link, in layouts that move)
  seal,     // a mix of the address and the size: also tells an overwritten size
};

template <class LayoutPolicy, Mark mark_kind = Mark::none, bool has_owner = false,
          bool heads_in_reach = false>
class InBandTags {
 public:
  using Layout = LayoutPolicy;
  using Word = typename Layout::Word;
  using Link = typename Layout::Link;
  using Span = Link;
  static constexpr Span none = 0;
  static constexpr bool joins_silently = true;
  // Where links are wide the least block is long, and so packing well counts for more.
  static constexpr bool lower_first = sizeof(Link) == sizeof(Address);

  static constexpr size_t granule = size_t{1} << Layout::granule_shift;
  static constexpr size_t mark_bytes = mark_kind == Mark::none ? 0 : sizeof(Link);
  static constexpr size_t owner_bytes = has_owner ? sizeof(Link) : 0;
  static constexpr size_t header_size = sizeof(Word) + mark_bytes + owner_bytes;
  // A free block holds header, two links and footer.
  static constexpr size_t least_units =
      divide_up(header_size + 2 * sizeof(Link) + sizeof(Word), granule);

  static constexpr Word free_flag = 1;
  static constexpr Word previous_free_flag = 2;
  static constexpr Word saved_flag = 4;
  static constexpr Word flags = 7;

  explicit InBandTags(Address base) noexcept : base_(base) {}

  // --- the TagStore contract
  size_t length(Span span) noexcept { return size_t(word(span) >> Layout::size_shift); }
  size_t position(Span span) noexcept { return address(span) >> Layout::granule_shift; }
  Span free_before(Span span) noexcept {
    if ((word(span) & previous_free_flag) == 0) return none;
    return known(retreat(span, size_t(footer_below(span))));
  }
  Span free_after(Span span, size_t units) noexcept {
    const Span after = Layout::advance(span, units);
    return (word(after) & free_flag) != 0 ? known(after) : none;
  }
  // A new block begins there: the rest of `span`, of which it takes over state and owner. So the
  // chain of tags is whole before and after the store that shortens `span`.
  Span advance(Span span, size_t units) noexcept {
    const Span made = Layout::advance(span, units);
    word(made) = Word((length(span) - units) << Layout::size_shift) | (word(span) & free_flag);
    if constexpr (has_owner) owner(made) = owner(span);
    return made;
  }
  // The same where the rest, `rest` units, is and stays the end of a free block: that is what the
  // block behind has been told already. Returns the rest.
  Span shorten(Span span, size_t units, size_t rest) noexcept {
    const Span made = Layout::advance(span, units);
    word(made) = Word(rest << Layout::size_shift) | free_flag;
    if constexpr (has_owner) owner(made) = owner(span);
    footer_below(Layout::advance(made, rest)) = Word(rest);
    return made;
  }
  void mark_free(Span span, size_t units) noexcept {
    word(span) = Word(units << Layout::size_shift) | (word(span) & previous_free_flag) | free_flag;
    const Span after = Layout::advance(span, units);
    footer_below(after) = Word(units);
    word(after) |= previous_free_flag;
  }
  // The block's own tag goes on saying "free" until set_used(): should the process die in between,
  // nothing is lost.
  void mark_used(Span span, size_t units) noexcept {
    word(Layout::advance(span, units)) &= ~previous_free_flag;
  }
  // The block was freed and joined to the one before it: its old tag, inside that one now, goes on
  // saying "free" until the bytes are used again, so that a second free is seen.
  void swallowed(Span span) noexcept { word(span) |= free_flag; }
  Span& next(Span span) noexcept { return link_at(address(span)); }
  Span& previous(Span span) noexcept { return link_at(address(span) + sizeof(Link)); }
  static constexpr bool heads_are_links = [] {
    if constexpr (sizeof(Link) == sizeof(Address)) {
      return true;
    } else if constexpr (heads_in_reach) {
      return Layout::link_bytes <= sizeof(Link);
    } else {
      return false;
    }
  }();
  // The handle whose next() is *link.
  Span span_before(const Span* link) const noexcept requires heads_are_links {
    return span_at(reinterpret_cast<Address>(link));
  }

  // --- what the region needs besides
  [[nodiscard]] Address base() const noexcept { return base_; }
  [[nodiscard]] Address address(Span span) const noexcept {
    return Layout::to_address(span, base_);
  }
  [[nodiscard]] Span span_at(Address address) const noexcept {
    return Layout::to_link(address, base_);
  }
  Span after(Span span, size_t units) noexcept { return Layout::advance(span, units); }
  Span retreat(Span span, size_t units) noexcept {
    return Layout::advance(span, size_t{0} - units);
  }
  Word& word(Span span) noexcept { return *reinterpret_cast<Word*>(address(span) - sizeof(Word)); }
  // The footer of the free block that ends where `span` begins.
  Word& footer_below(Span span) noexcept {
    return *reinterpret_cast<Word*>(address(span) - header_size - sizeof(Word));
  }
  Link& owner(Span span) noexcept {
    static_assert(has_owner);
    return link_at(address(span) - sizeof(Word) - sizeof(Link));
  }
  // A used block of that size; what it says of the block below it stays.
  void set_used(Span span, size_t units) noexcept {
    word(span) = Word(units << Layout::size_shift) | (word(span) & previous_free_flag);
    set_mark(span, units);
  }
  void set_mark(Span span, size_t units) noexcept {
    if constexpr (mark_kind != Mark::none) mark(span) = mark_for(span, units);
  }
  // A freed block loses its mark, so that a second free of it is seen after it was joined, too.
  void clear_mark(Span span) noexcept {
    if constexpr (mark_kind != Mark::none) mark(span) = 0;
  }
  bool has_mark(Span span, size_t units) noexcept {
    if constexpr (mark_kind == Mark::none)
      return true;
    else
      return mark(span) == mark_for(span, units);
  }

 private:
  // Says to the compiler that this is a block, so that nobody asks twice.
  static Span known(Span span) noexcept {
    if (span == none) __builtin_unreachable();
    return span;
  }
  static Link& link_at(Address address) noexcept { return *reinterpret_cast<Link*>(address); }
  Link& mark(Span span) noexcept { return link_at(address(span) - header_size); }
  static Link mark_for(Span span, size_t units) noexcept {
    constexpr std::uint64_t number = 0x5742'7ca9'53a1'7ab1;
    if constexpr (mark_kind == Mark::number) return Link(number);
    if constexpr (mark_kind == Mark::address) return span;
    // High bits of a product depend on all bits of the factors.
    return Link(
        ((std::uint64_t(span) ^ (std::uint64_t(units) << 40) ^ number) * 0x9e37'79b9'7f4a'7c15) >>
        (64 - 8 * sizeof(Link) + (sizeof(Link) == 8 ? 8 : 0)));
  }

  Address base_;  // what links count from; constant
};

}  // namespace strata
