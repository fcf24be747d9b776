// Option values: numbers with units, without overflow; toggles; how far two names are apart.
#include "options/parse.hpp"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace strata;
using namespace strata::options;

bool parses(const std::string& text, const Unit* units, std::uint64_t expected) {
  std::uint64_t result = expected + 1;
  return parse_number(text.c_str(), units, result) && result == expected;
}
bool refuses(const std::string& text, const Unit* units) {
  std::uint64_t result = 0;
  return !parse_number(text.c_str(), units, result);
}

TEST(ParseNumber, every_unit_of_bytes) {
  EXPECT_TRUE(parses("0", byte_units, 0));
  EXPECT_TRUE(parses("5", byte_units, 5));
  EXPECT_TRUE(parses("5B", byte_units, 5));
  EXPECT_TRUE(parses("64K", byte_units, 64 * KiB));
  EXPECT_TRUE(parses("64KiB", byte_units, 64 * KiB));
  EXPECT_TRUE(parses("8M", byte_units, 8 * MiB));
  EXPECT_TRUE(parses("8MiB", byte_units, 8 * MiB));
  EXPECT_TRUE(parses("3G", byte_units, 3 * GiB));
  EXPECT_TRUE(parses("3GiB", byte_units, 3 * GiB));
  EXPECT_TRUE(parses("2T", byte_units, 2 * TiB));
  EXPECT_TRUE(parses("2TiB", byte_units, 2 * TiB));
  EXPECT_TRUE(parses("7KB", byte_units, 7000));
  EXPECT_TRUE(parses("7MB", byte_units, 7000000));
  EXPECT_TRUE(parses("7GB", byte_units, 7000000000));
}

TEST(ParseNumber, every_unit_of_time) {
  EXPECT_TRUE(parses("500", time_units, 500));
  EXPECT_TRUE(parses("500ms", time_units, 500));
  EXPECT_TRUE(parses("2s", time_units, 2000));
  EXPECT_TRUE(parses("3min", time_units, 180000));
}

TEST(ParseNumber, anything_else_is_refused) {
  for (const char* text : {"", " 5", "5 ", "-1", "+1", "0x10", "five", "K", "5k", "5KiBs", "5,5",
                           "1.5MiB", "5 MiB", "5s"}) {
    EXPECT_TRUE(refuses(text, byte_units)) << '"' << text << '"';
  }
  EXPECT_TRUE(refuses("5KiB", time_units));
}

TEST(ParseNumber, results_up_to_64_bits_and_none_beyond) {
  EXPECT_TRUE(parses("18446744073709551615", byte_units, ~std::uint64_t{0}));
  EXPECT_TRUE(refuses("18446744073709551616", byte_units));
  EXPECT_TRUE(refuses("18446744073709551620", byte_units));
  EXPECT_TRUE(refuses("99999999999999999999999999", byte_units));
  EXPECT_TRUE(parses("16777215TiB", byte_units, 16777215 * TiB));
  EXPECT_TRUE(refuses("16777216TiB", byte_units));
  EXPECT_TRUE(refuses("18446744073709551615K", byte_units));
}

TEST(ParseNumber, reads_back_any_number) {
  EXPECT_TRUE(rc::check([](std::uint64_t n) {
    RC_ASSERT(parses(std::to_string(n), byte_units, n));
    RC_ASSERT(parses(std::to_string(n >> 10) + "KiB", byte_units, n >> 10 << 10));
    RC_ASSERT(refuses(std::to_string(n >> 10 | std::uint64_t{1} << 54) + "KiB", byte_units));
  }));
}

TEST(ParseToggle, knows_its_words_and_leaves_the_rest_alone) {
  bool value = false;
  for (const char* word : {"on", "1", "yes", "true"}) {
    value = false;
    EXPECT_TRUE(parse_toggle(word, value) && value) << word;
  }
  for (const char* word : {"off", "0", "no", "false"}) {
    value = true;
    EXPECT_TRUE(parse_toggle(word, value) && !value) << word;
  }
  value = true;
  for (const char* word : {"", "ON", "o", "onn", "2", "maybe"}) {
    EXPECT_FALSE(parse_toggle(word, value)) << word;
    EXPECT_TRUE(value) << word;
  }
}

// The textbook's table, for comparison.
unsigned edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<unsigned>> table(a.size() + 1, std::vector<unsigned>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = unsigned(i + j);
      } else {
        table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1,
                                table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      }
    }
  }
  return table[a.size()][b.size()];
}

TEST(Distance, is_the_edit_distance) {
  EXPECT_EQ(distance("PURGE_DELAY", "PURGE_DELAY"), 0U);
  EXPECT_EQ(distance("", "abc"), 3U);
  EXPECT_EQ(distance("kitten", "sitting"), 3U);
  const auto name =
      rc::gen::resize(31, rc::gen::container<std::string>(rc::gen::elementOf(std::string("ABC_"))));
  EXPECT_TRUE(rc::check([&] {
    const std::string a = *name;
    const std::string b = *name;
    RC_PRE(a.size() <= 31 && b.size() <= 31);
    RC_ASSERT(distance(a.c_str(), b.c_str()) == edit_distance(a, b));
  }));
}

}  // namespace
