// Options as the environment gives them: applied, or warned about in one line and without effect.
#include "options/options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ranges/settings.hpp"

namespace {

using namespace strata;
using options::Result;

std::vector<std::string> warnings;

void keep_warning(const char* text, size_t length) noexcept { warnings.emplace_back(text, length); }

class Options : public testing::Test {
 protected:
  void SetUp() override {
    warnings.clear();
    range_settings = {};
    options::values = {};
  }
  void TearDown() override { SetUp(); }

  static void read(std::vector<std::string> entries) {
    std::vector<char*> environment;
    for (auto& entry : entries) environment.push_back(entry.data());
    environment.push_back(nullptr);
    options::read_environment(environment.data(), keep_warning);
  }
  static void expect_defaults() {
    const RangeSettings defaults;
    EXPECT_EQ(range_settings.reserve, defaults.reserve);
    EXPECT_EQ(range_settings.dirty_limit, defaults.dirty_limit);
    EXPECT_EQ(range_settings.purge_delay, defaults.purge_delay);
    EXPECT_EQ(range_settings.provision, defaults.provision);
    EXPECT_EQ(range_settings.huge_pages_after, defaults.huge_pages_after);
    EXPECT_EQ(options::values.stats_at_exit, false);
    EXPECT_EQ(options::values.verbose, false);
  }
};

TEST_F(Options, every_option_reaches_its_setting) {
  read({"PATH=/bin", "STRATA_RESERVE=64MiB", "STRATA_DIRTY_LIMIT=1MiB", "STRATA_PURGE_DELAY=2s",
        "STRATA_COMMIT=eager", "STRATA_HUGE_PAGES=on", "STRATA_STATS=exit", "STRATA_VERBOSE=yes"});
  EXPECT_EQ(range_settings.reserve, 64 * MiB);
  EXPECT_EQ(range_settings.dirty_limit, 1 * MiB);
  EXPECT_EQ(range_settings.purge_delay, 2000U);
  EXPECT_EQ(range_settings.provision, Provision::eager);
  EXPECT_EQ(range_settings.huge_pages_after, 0U);
  EXPECT_TRUE(options::values.stats_at_exit);
  EXPECT_TRUE(options::values.verbose);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Options, huge_pages_are_on_off_or_after_a_size) {
  read({"STRATA_HUGE_PAGES=16MiB"});
  EXPECT_EQ(range_settings.huge_pages_after, 16 * MiB);
  read({"STRATA_HUGE_PAGES=off"});
  EXPECT_EQ(range_settings.huge_pages_after, RangeSettings::never);
  EXPECT_TRUE(warnings.empty());
  read({"STRATA_HUGE_PAGES=some"});
  EXPECT_EQ(range_settings.huge_pages_after, RangeSettings::never);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(Options, defaults_of_the_table_are_the_defaults_of_the_settings) {
  range_settings = {.reserve = 0,
                    .dirty_limit = 0,
                    .purge_delay = 0,
                    .provision = Provision::eager,
                    .huge_pages_after = 0};
  options::values = {.stats_at_exit = true, .verbose = true};
  options::for_each(
      [](const char* name, const char*, const char* default_value, const char* help, void*) {
        EXPECT_EQ(options::apply(name, default_value), Result::applied) << name;
        EXPECT_GT(std::string(help).size(), 10U);
      },
      nullptr);
  expect_defaults();
}

TEST_F(Options, unknown_name_is_answered_by_the_nearest_one) {
  read({"STRATA_PURGE_DELY=1s", "STRATA_DIRTYLIMIT=1"});
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(
      warnings[0],
      "strata: warning: unknown option STRATA_PURGE_DELY; did you mean STRATA_PURGE_DELAY?\n");
  EXPECT_NE(warnings[1].find("STRATA_DIRTY_LIMIT?"), std::string::npos);
  expect_defaults();
}

TEST_F(Options, unknown_name_is_noticed_however_long) {
  for (const size_t length : {30U, 31U, 32U, 33U, 100U, 5000U}) {
    warnings.clear();
    read({"STRATA_" + std::string(length, 'X') + "=1"});
    ASSERT_EQ(warnings.size(), 1U) << length;
    EXPECT_EQ(warnings[0].back(), '\n') << length;
  }
  // A long name that begins as an option does is not this option.
  warnings.clear();
  read({"STRATA_DIRTY_LIMIT_AND_THEN_SOMETHING_ELSE=1MiB"});
  EXPECT_EQ(warnings.size(), 1U);
  expect_defaults();
}

TEST_F(Options, bad_value_is_said_once_and_changes_nothing) {
  for (const char* entry :
       {"STRATA_RESERVE=1MiB", "STRATA_RESERVE=65TiB", "STRATA_RESERVE=", "STRATA_DIRTY_LIMIT=-1",
        "STRATA_DIRTY_LIMIT=99999999999999999999", "STRATA_PURGE_DELAY=1KiB",
        "STRATA_PURGE_DELAY=2147483648", "STRATA_COMMIT=sometimes", "STRATA_HUGE_PAGES=2",
        "STRATA_STATS=always", "STRATA_VERBOSE=very"}) {
    warnings.clear();
    read({entry});
    ASSERT_EQ(warnings.size(), 1U) << entry;
    EXPECT_NE(warnings[0].find("bad value"), std::string::npos) << entry;
    EXPECT_EQ(warnings[0].back(), '\n') << entry;
    expect_defaults();
  }
}

TEST_F(Options, bad_value_leaves_what_an_earlier_call_set) {
  EXPECT_EQ(options::apply("STATS", "exit"), Result::applied);
  EXPECT_EQ(options::apply("STATS", "bogus"), Result::bad_value);
  EXPECT_TRUE(options::values.stats_at_exit);
  EXPECT_EQ(options::apply("RESERVE", "1GiB"), Result::applied);
  EXPECT_EQ(options::apply("RESERVE", "100TiB"), Result::bad_value);
  EXPECT_EQ(range_settings.reserve, 1 * GiB);
}

TEST_F(Options, warning_about_a_long_value_is_still_one_whole_line) {
  read({"STRATA_COMMIT=" + std::string(1000, 'x')});
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].back(), '\n');
  EXPECT_NE(warnings[0].find("STRATA_COMMIT"), std::string::npos);
  EXPECT_NE(warnings[0].find("default lazy"), std::string::npos);
}

TEST_F(Options, entries_of_others_and_odd_ones_are_left_alone) {
  read({"STRATAGEM=1", "STRATA=1", "STRATA_", "STRATA_COMMIT", "=", "", "strata_commit=eager"});
  EXPECT_TRUE(warnings.empty());
  expect_defaults();
  options::read_environment(nullptr, keep_warning);
}

}  // namespace
