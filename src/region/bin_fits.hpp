// Good and best fit: free blocks in the span core's two-level bins.
//
//   fit::Good   O(1): of the request's own bin at most 8 blocks, else the first block of the first
//               bin behind, all of whose blocks are long enough; before it gives up, at most 16
//               blocks of the own bin. What a block is too long is cut off and stays free.
//   fit::Best   exact: the shortest block that is long enough. O(blocks in one or two bins).
//
// The interface is the one every fit has (see list_fits.hpp for the other family):
//   find(tags, units, joining, looked_at)  a free block, which stays free; or none
//   give(tags, span, units)                make it free, joined with both neighbours
//   insert(tags, span, units)              make it free and leave it apart
//   remove(tags, span)                     take a whole free block out
//   take_at(tags, span, skip, units)     take part of a free block, the rest stays free
//   for_each_free, check, free_units, reset
// `joining` asks to join runs of free neighbours while searching; bins look at no block they do
// not take, so there the region joins everything when a search finds nothing.
#pragma once

#include "region/words.hpp"
#include "span/in_band_tags.hpp"
#include "span/span_core.hpp"

namespace strata::fit {

// The span core as a region wants it: blocks of 64 KiB and more lie in wider bins. That halves the
// table, which counts in small regions: 1 KB for the default layout, 2 KB where links are wide.
inline constexpr unsigned coarse_log2_bytes = 16;
template <class Tags, unsigned MaxLog2>
using BinCore = SpanCore < Tags,
      MaxLog2,
      coarse_log2_bytes -
          Tags::Layout::granule_shift<MaxLog2 ? coarse_log2_bytes - Tags::Layout::granule_shift
                                              : MaxLog2>;

template <class Tags, unsigned MaxLog2, bool exact>
class Bins {
 public:
  using Span = typename Tags::Span;
  static constexpr bool constant_time = !exact;

  [[nodiscard]] Span find(Tags& tags, size_t units, bool, size_t* looked_at) noexcept {
    if constexpr (exact)
      return core_.find_best(tags, units, looked_at);
    else
      return core_.find(tags, units, looked_at);
  }
  Span give(Tags& tags, Span span, size_t units) noexcept { return core_.give(tags, span, units); }
  void insert(Tags& tags, Span span, size_t units) noexcept { core_.insert(tags, span, units); }
  size_t remove(Tags& tags, Span span) noexcept { return core_.take_whole(tags, span); }
  Span take_at(Tags& tags, Span span, size_t skip, size_t units) noexcept {
    return core_.take_at(tags, span, skip, units);
  }
  template <class Visit>
  void for_each_free(Tags& tags, Visit&& visit) noexcept {
    core_.for_each_free(tags, visit);
  }
  [[nodiscard]] bool check(Tags& tags, bool apart) noexcept { return core_.check(tags, apart); }
  [[nodiscard]] size_t free_units() const noexcept { return core_.free_units(); }
  void reset() noexcept { core_ = Core(); }

 private:
  using Core = BinCore<Tags, MaxLog2>;
  Core core_;
};

struct Good {
  static constexpr const char* name = "good";
  template <class Tags, unsigned MaxLog2>
  using Index = Bins<Tags, MaxLog2, false>;
};

struct Best {
  static constexpr const char* name = "best";
  template <class Tags, unsigned MaxLog2>
  using Index = Bins<Tags, MaxLog2, true>;
};

}  // namespace strata::fit
