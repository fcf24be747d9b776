// What is mostly in vain is done seldom, and often again once it is not.
#include "heap/vain_count.hpp"

#include <gtest/gtest.h>

namespace strata {
namespace {

// How many of `questions` are answered with yes; each time it is done, in vain or not.
template <class Count>
unsigned tries(Count& count, unsigned questions, bool in_vain) {
  unsigned tried = 0;
  for (unsigned i = 0; i < questions; ++i) {
    if (!count.is_worth_it()) continue;
    ++tried;
    count.done();
    if (in_vain) count.in_vain();
  }
  return tried;
}

TEST(VainCount, what_is_not_in_vain_is_done_always) {
  VainCount<4> count;
  EXPECT_EQ(tries(count, 1000, false), 1000U);
}

TEST(VainCount, what_is_in_vain_is_tried_once_of_sixteen_times) {
  VainCount<0> count;
  tries(count, 100, true);
  EXPECT_EQ(tries(count, 1600, true), 100U);
}

TEST(VainCount, what_stays_in_vain_is_tried_more_and_more_seldom) {
  VainCount<4> count;
  tries(count, 10'000, true);
  EXPECT_EQ(tries(count, 25'600, true), 100U);
}

TEST(VainCount, what_is_in_vain_no_more_is_done_always_again) {
  VainCount<4> count;
  tries(count, 10'000, true);
  tries(count, 2'000, false);
  EXPECT_EQ(tries(count, 1000, false), 1000U);
}

}  // namespace
}  // namespace strata
