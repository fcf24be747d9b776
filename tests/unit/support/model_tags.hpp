// A tag store for tests of the span core: every unit has its own entry in a table, so that the
// core's marks can be compared with a model unit by unit.
#pragma once

#include <utility>
#include <vector>

#include "span/span_core.hpp"

namespace test {

struct TableTags {
  using Span = std::uint32_t;
  static constexpr Span none = ~Span{0};

  struct Unit {
    bool first = false;  // first unit of a free span
    bool last = false;
    strata::size_t length = 0;
    Span next = none;
    Span previous = none;
  };
  std::vector<Unit> units;
  strata::size_t base;  // position of unit 0, for alignment

  explicit TableTags(strata::size_t count, strata::size_t base_position = 0)
      : units(count), base(base_position) {}

  strata::size_t length(Span span) noexcept { return units[span].length; }
  strata::size_t position(Span span) noexcept { return base + span; }
  Span free_before(Span span) noexcept {
    return span != 0 && units[span - 1].last ? Span(span - units[span - 1].length) : none;
  }
  Span free_after(Span span, strata::size_t count) noexcept {
    const strata::size_t after = span + count;
    return after < units.size() && units[after].first ? Span(after) : none;
  }
  Span advance(Span span, strata::size_t count) noexcept { return Span(span + count); }
  void mark_free(Span span, strata::size_t count) noexcept {
    units[span].first = true;
    units[span].length = count;
    units[span + count - 1].last = true;
    units[span + count - 1].length = count;
  }
  void mark_used(Span span, strata::size_t count) noexcept {
    units[span].first = false;
    units[span + count - 1].last = false;
  }
  Span& next(Span span) noexcept { return units[span].next; }
  Span& previous(Span span) noexcept { return units[span].previous; }
};

// What the core must agree with: one flag a unit.
struct Model {
  std::vector<bool> free;

  explicit Model(strata::size_t count) : free(count, false) {}

  void set(strata::size_t from, strata::size_t count, bool value) {
    for (strata::size_t i = from; i < from + count; ++i) free[i] = value;
  }
  [[nodiscard]] bool all(strata::size_t from, strata::size_t count, bool value) const {
    for (strata::size_t i = from; i < from + count; ++i) {
      if (i >= free.size() || free[i] != value) return false;
    }
    return true;
  }
  // The free spans as (first, length), in order.
  [[nodiscard]] std::vector<std::pair<strata::size_t, strata::size_t>> spans() const {
    std::vector<std::pair<strata::size_t, strata::size_t>> result;
    for (strata::size_t i = 0; i < free.size(); ++i) {
      if (!free[i]) continue;
      if (i == 0 || !free[i - 1]) result.emplace_back(i, 0);
      ++result.back().second;
    }
    return result;
  }
  [[nodiscard]] strata::size_t longest() const {
    strata::size_t most = 0;
    for (const auto& span : spans()) most = span.second > most ? span.second : most;
    return most;
  }
};

// Empty when core, tags and model agree and the core's own invariants hold; else what is wrong.
template <class Core>
const char* disagreement(const Core& core, TableTags& tags, const Model& model) {
  if (!core.check(tags)) return "check() fails";
  const auto spans = model.spans();
  strata::size_t free = 0;
  strata::size_t found = 0;
  bool same = true;
  core.for_each_free(tags, [&](TableTags::Span span, strata::size_t units) {
    ++found;
    free += units;
    bool known = false;
    for (const auto& expected : spans) known |= expected.first == span && expected.second == units;
    same &= known;
  });
  if (!same) return "a free span is not the model's";
  if (found != spans.size()) return "the number of free spans is not the model's";
  if (core.free_units() != free) return "free_units() is not the sum";
  if (core.empty() != spans.empty()) return "empty() is wrong";
  for (strata::size_t i = 0; i < model.free.size(); ++i) {
    bool first = false;
    bool last = false;
    for (const auto& [from, count] : spans) {
      first |= from == i;
      last |= from + count == i + 1;
    }
    if (tags.units[i].first != first || tags.units[i].last != last) return "a tag is stale";
  }
  return "";
}

}  // namespace test
