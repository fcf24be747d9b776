// Runs the tests that are written in C, and holds the two lists of errors together.
#include <gtest/gtest.h>

#include "region/words.hpp"
#include "strata/region.h"

extern "C" int c_api_serves_every_choice(void);
extern "C" int c_api_grows_and_gives_back(void);
extern "C" int c_api_names_every_error(void);

TEST(RegionC, serves_every_choice) { EXPECT_EQ(c_api_serves_every_choice(), 0) << "line"; }
TEST(RegionC, grows_and_gives_back) { EXPECT_EQ(c_api_grows_and_gives_back(), 0) << "line"; }
TEST(RegionC, names_every_error) { EXPECT_EQ(c_api_names_every_error(), 0) << "line"; }

static_assert(int(strata::RegionError::not_a_region) == STRATA_REGION_NOT_A_REGION);
static_assert(int(strata::RegionError::double_free) == STRATA_REGION_DOUBLE_FREE);
static_assert(int(strata::FitKind::score) == STRATA_FIT_SCORE);
static_assert(int(strata::CoalesceKind::searching) == STRATA_COALESCE_SEARCHING);
static_assert(int(strata::FreeKind::background) == STRATA_FREE_BACKGROUND);
