// check() is worth calling: it finds each kind of damage to tags and links.
#include <gtest/gtest.h>

#include "support/model_tags.hpp"

namespace {

using namespace strata;
using test::TableTags;

class SpanCheck : public testing::Test {
 protected:
  TableTags tags{64};
  SpanCore<TableTags, 16> core;

  // Free: [0, 4) and [8, 12) in one bin, [20, 40) in another.
  void SetUp() override {
    core.give(tags, 0, 4);
    core.give(tags, 8, 4);
    core.give(tags, 20, 20);
    ASSERT_TRUE(core.check(tags));
  }
};

TEST_F(SpanCheck, finds_a_wrong_length) {
  tags.units[20].length = 19;
  EXPECT_FALSE(core.check(tags));
}
TEST_F(SpanCheck, finds_a_length_of_another_bin) {
  tags.units[20].length = 40;
  EXPECT_FALSE(core.check(tags));
}
TEST_F(SpanCheck, finds_a_broken_back_link) {
  tags.units[0].previous = 20;
  EXPECT_FALSE(core.check(tags));
}
TEST_F(SpanCheck, finds_a_list_that_ends_early) {
  tags.units[8].next = TableTags::none;
  EXPECT_FALSE(core.check(tags));
}
TEST_F(SpanCheck, finds_free_spans_that_touch) {
  tags.units[4].first = true;
  EXPECT_FALSE(core.check(tags));
}
TEST_F(SpanCheck, finds_a_span_that_ends_where_another_begins) {
  tags.units[19].last = true;
  tags.units[19].length = 1;
  EXPECT_FALSE(core.check(tags));
}
TEST_F(SpanCheck, finds_a_flipped_bit_in_the_bitmap_and_in_the_sum) {
  // The core begins with them; behind them stand the heads.
  constexpr size_t heads = sizeof(TableTags::Span) * decltype(core)::bins;
  auto* const bytes = reinterpret_cast<unsigned char*>(&core);
  size_t unnoticed = 0;
  for (size_t i = 0; i < sizeof core - heads; ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      bytes[i] ^= static_cast<unsigned char>(1U << bit);
      if (core.check(tags)) ++unnoticed;
      bytes[i] ^= static_cast<unsigned char>(1U << bit);
    }
  }
  EXPECT_EQ(unnoticed, 0U);
  EXPECT_TRUE(core.check(tags));
}

}  // namespace
