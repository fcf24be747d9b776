// SpanHeader: what stands at the start of each piece of memory a region manages.
//
//   start                first block                                        end tag        stop
//   | SpanHeader | (gap) | header payload | header payload | ...           | header | link |
//                          ^ first()                                         ^ end()
//
// Spans hang in a doubly linked list through links, newest first. Payloads are aligned to a
// granule, which is what the gap is for. The end tag is a header of size 0; where spans can be
// given back to a source, the word behind it links to this header, so that a free block that
// reaches from first() to end() is recognised in O(1).
#pragma once

#include "base/bits.hpp"
#include "base/units.hpp"

namespace strata {

template <class Tags>
struct SpanHeader {
  using Span = typename Tags::Span;

  Span next;  // span header behind this in the list; written under the region's lock, as all
  Span previous;
  Span free_list;             // fit::FirstInSpan only
  std::uint32_t from_source;  // 1: taken from the source, goes back to it
  size_t bytes;               // from this header to the stop
  size_t blocks;              // used blocks; kept only where blocks have an owner link

  static SpanHeader* at(Tags& tags, Span span) noexcept {
    return reinterpret_cast<SpanHeader*>(tags.address(span));
  }
  [[nodiscard]] Address start() const noexcept { return reinterpret_cast<Address>(this); }
  [[nodiscard]] Address stop() const noexcept { return start() + bytes; }
  [[nodiscard]] Address first() const noexcept {
    return align_up(start() + sizeof(SpanHeader) + Tags::header_size, Tags::granule);
  }
  // `tail`: bytes kept behind the end tag.
  [[nodiscard]] Address end(size_t tail) const noexcept {
    return align_down(stop() - tail, Tags::granule);
  }
  [[nodiscard]] bool contains(Address address) const noexcept { return address - start() < bytes; }
};

}  // namespace strata
