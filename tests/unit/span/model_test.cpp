// The span core against a model, a flag a unit, under random programs.
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <string>
#include <tuple>
#include <vector>

#include "support/hold.hpp"
#include "support/model_tags.hpp"

namespace {

using namespace strata;
using test::Model;
using test::TableTags;

using Core = SpanCore<TableTags, 16>;
using Program = std::vector<std::tuple<std::uint8_t, std::uint16_t, std::uint16_t>>;

struct Used {
  size_t first;
  size_t units;
};

// The largest length of the bin that `units` falls in: a free span longer than that must be found.
size_t longest_of_own_bin(size_t units) {
  if (units < Core::steps) return units;
  const size_t step = size_t{1} << (log2_floor(units) - Core::step_shift);
  return align_up(units + 1, step) - 1;
}

class Play {
 public:
  Play(size_t units, size_t base) : tags_(units, base), model_(units) {
    core_.give(tags_, 0, units);
    model_.set(0, units, true);
  }

  void step(std::uint8_t operation, std::uint16_t a, std::uint16_t b) {
    switch (operation % 6) {
      case 0:
      case 1:
        take(small_or_large(a), 1);
        break;
      case 2:
        take(small_or_large(a), size_t{1} << (b % 8));
        break;
      case 3:
      case 4:
        if (!used_.empty()) give(a % used_.size(), b);
        break;
      default:
        take_front_or_whole(a, b);
    }
    const char* const wrong = test::disagreement(core_, tags_, model_);
    if (*wrong != 0) throw std::logic_error(wrong);
  }

  void give_all() {
    while (!used_.empty()) give(used_.size() - 1, 0);
    HOLD(core_.free_units() == model_.free.size());
    HOLD(model_.spans().size() == 1U);
    HOLD(core_.longest(tags_) == 0U);
  }

 private:
  [[nodiscard]] size_t small_or_large(std::uint16_t a) const {
    return a % 4 == 0 ? 1 + a % (model_.free.size() / 2) : 1 + a % 40;
  }

  void take(size_t units, size_t alignment) {
    const TableTags::Span span = core_.take_aligned(tags_, units, alignment);
    if (span == TableTags::none) {
      // Refused only where nothing surely fits.
      HOLD(model_.longest() <= longest_of_own_bin(units + alignment - 1));
      return;
    }
    HOLD((tags_.base + span) % alignment == 0U);
    HOLD(model_.all(span, units, true));
    model_.set(span, units, false);
    used_.push_back({span, units});
  }

  // Gives a used span back, sometimes only its end.
  void give(size_t index, std::uint16_t part) {
    Used& used = used_[index];
    const size_t keep = part % 3 == 0 && used.units > 1 ? 1 + part % (used.units - 1) : 0;
    const TableTags::Span joined =
        core_.give(tags_, TableTags::Span(used.first + keep), used.units - keep);
    model_.set(used.first + keep, used.units - keep, true);
    HOLD(joined <= used.first + keep);
    HOLD(tags_.units[joined].first);
    HOLD(joined + tags_.units[joined].length >= used.first + used.units);
    if (keep != 0) {
      used.units = keep;
    } else {
      used_.erase(used_.begin() + long(index));
    }
  }

  void take_front_or_whole(std::uint16_t a, std::uint16_t b) {
    const auto spans = model_.spans();
    if (spans.empty()) return;
    const auto [first, length] = spans[a % spans.size()];
    const size_t units = b % 2 == 0 ? length : 1 + b % length;
    if (b % 2 == 0) {
      HOLD(core_.take_whole(tags_, TableTags::Span(first)) == length);
    } else {
      core_.take_front(tags_, TableTags::Span(first), units);
    }
    model_.set(first, units, false);
    used_.push_back({first, units});
  }

  TableTags tags_;
  Model model_;
  Core core_;
  std::vector<Used> used_;
};

TEST(SpanCore, agrees_with_the_model_under_random_programs) {
  EXPECT_TRUE(rc::check([](const Program& program, std::uint16_t size, std::uint8_t base) {
    Play play(64 + size % 4000, base);
    for (const auto& [operation, a, b] : program) play.step(operation, a, b);
    play.give_all();
  }));
}

TEST(SpanCore, agrees_with_the_model_over_a_long_crowded_life) {
  Play play(2000, 3);
  std::uint64_t random = 12345;
  const auto next = [&] {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return std::uint16_t(random >> 40);
  };
  for (int i = 0; i < 6000; ++i) {
    const std::uint16_t operation = next();
    const std::uint16_t a = next();
    play.step(std::uint8_t(operation), a, next());
  }
  play.give_all();
}

TEST(SpanCore, a_request_that_no_bin_can_hold_is_refused) {
  TableTags tags(16);
  Core core;
  core.give(tags, 0, 16);
  EXPECT_EQ(core.take(tags, 0), TableTags::none);
  EXPECT_EQ(core.take(tags, 17), TableTags::none);
  EXPECT_EQ(core.take(tags, size_t{1} << 15), TableTags::none);
  EXPECT_EQ(core.take(tags, ~size_t{0}), TableTags::none);
  EXPECT_EQ(core.take_aligned(tags, 16, 32), 0U);
  EXPECT_TRUE(core.empty());
}

TEST(SpanCore, a_span_that_is_aligned_by_chance_serves_without_waste) {
  TableTags tags(64);
  Core core;
  core.give(tags, 0, 64);
  // Exactly as long as asked for, and aligned: no room for the search's margin, none is needed.
  EXPECT_EQ(core.take_aligned(tags, 64, 64), 0U);
}

TEST(SpanCore, the_longest_span_comes_from_the_longest_bin) {
  TableTags tags(1000);
  Core core;
  core.give(tags, 0, 10);
  core.give(tags, 100, 300);
  core.give(tags, 500, 40);
  EXPECT_EQ(core.longest(tags), 100U);
}

}  // namespace
