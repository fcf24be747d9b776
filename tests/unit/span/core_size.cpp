// The span core by itself, over the plainest tags, for core_size.sh to weigh: everything that
// frames and ranges ask of it.
#include "span/span_core.hpp"

namespace {

using namespace strata;

struct Tag {
  std::uint32_t length, next, previous, is_free;
};
Tag tags_of[1 << 16];

struct Tags {
  using Span = std::uint32_t;
  static constexpr Span none = 0;
  static constexpr bool by_address = true;
  size_t length(Span s) noexcept { return tags_of[s].length; }
  size_t position(Span s) noexcept { return s; }
  Span free_before(Span s) noexcept {
    return tags_of[s - 1].is_free != 0 ? s - tags_of[s - 1].length : none;
  }
  Span free_after(Span s, size_t n) noexcept {
    return tags_of[s + n].is_free != 0 ? Span(s + n) : none;
  }
  Span advance(Span s, size_t n) noexcept { return Span(s + n); }
  void mark_free(Span s, size_t n) noexcept {
    tags_of[s].is_free = tags_of[s + n - 1].is_free = 1;
    tags_of[s].length = tags_of[s + n - 1].length = Span(n);
  }
  void mark_used(Span s, size_t n) noexcept { tags_of[s].is_free = tags_of[s + n - 1].is_free = 0; }
  Span& next(Span s) noexcept { return tags_of[s].next; }
  Span& previous(Span s) noexcept { return tags_of[s].previous; }
};

SpanCore<Tags, 24> core;
Tags tags;

}  // namespace

extern "C" {
std::uint32_t span_take(size_t units) { return core.take(tags, units); }
std::uint32_t span_take_aligned(size_t units, size_t alignment) {
  return core.take_aligned(tags, units, alignment);
}
std::uint32_t span_take_at(std::uint32_t span, size_t skip, size_t units) {
  return core.take_at(tags, span, skip, units);
}
void span_give(std::uint32_t span, size_t units) { core.give(tags, span, units); }
std::uint32_t span_longest() { return core.longest(tags); }
}
