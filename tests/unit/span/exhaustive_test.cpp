// Every program of up to six steps over an arena of eight units: small enough to try them all,
// large enough for every case of joining and cutting.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/model_tags.hpp"

namespace {

using namespace strata;
using test::Model;
using test::TableTags;

constexpr size_t arena = 8;
using Core = SpanCore<TableTags, 8>;

struct World {
  TableTags tags{arena, 0};
  Model model{arena};
  Core core;
  std::vector<std::pair<size_t, size_t>> used;
};

struct Explorer {
  size_t programs = 0;
  unsigned depth;
  bool failed = false;

  void expect_agreement(const World& at) {
    World copy = at;
    const char* const wrong = test::disagreement(copy.core, copy.tags, copy.model);
    if (*wrong != 0) {
      failed = true;
      ADD_FAILURE() << wrong;
    }
  }

  // Whether some free span has an aligned place for `units`, with the search's margin.
  static bool surely_fits(const Model& model, size_t units, size_t alignment) {
    for (const auto& [first, length] : model.spans()) {
      if (length >= units + alignment - 1) return true;
    }
    return false;
  }

  void go(const World& world, unsigned step) {
    ++programs;
    if (step == depth || failed) return;
    for (size_t units = 1; units <= arena; ++units) {
      for (size_t alignment = 1; alignment <= 4; alignment *= 2) {
        World next = world;
        const auto span = next.core.take_aligned(next.tags, units, alignment);
        if (span == TableTags::none) {
          // Lengths below 16 have bins of their own: nothing that surely fits is missed.
          if (surely_fits(world.model, units, alignment)) {
            failed = true;
            ADD_FAILURE() << "refused " << units << " aligned to " << alignment;
          }
          continue;
        }
        if (span % alignment != 0 || !next.model.all(span, units, true)) {
          failed = true;
          ADD_FAILURE() << "took " << units << " at " << span;
          return;
        }
        next.model.set(span, units, false);
        next.used.emplace_back(span, units);
        expect_agreement(next);
        go(next, step + 1);
      }
    }
    for (size_t i = 0; i < world.used.size(); ++i) {
      World next = world;
      const auto [first, units] = next.used[i];
      next.used.erase(next.used.begin() + long(i));
      next.core.give(next.tags, TableTags::Span(first), units);
      next.model.set(first, units, true);
      expect_agreement(next);
      go(next, step + 1);
    }
  }
};

TEST(SpanCore, every_short_program_over_eight_units_agrees_with_the_model) {
  World world;
  world.core.give(world.tags, 0, arena);
  world.model.set(0, arena, true);
  Explorer explorer{.depth = 5};
  explorer.go(world, 0);
  EXPECT_GT(explorer.programs, 100000U);
  std::printf("    %zu programs\n", explorer.programs);
}

TEST(SpanCore, every_order_of_giving_eight_units_back_joins_them) {
  std::vector<unsigned> order = {0, 1, 2, 3, 4, 5, 6, 7};
  do {
    World world;
    for (const unsigned unit : order) {
      world.core.give(world.tags, unit, 1);
      world.model.set(unit, 1, true);
    }
    ASSERT_STREQ(test::disagreement(world.core, world.tags, world.model), "");
    ASSERT_EQ(world.core.take(world.tags, arena), 0U);
  } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace
