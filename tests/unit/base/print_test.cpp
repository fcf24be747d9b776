// Line: numbers as printf has them, sizes for people, and what does not fit is cut, never overrun.
#include "base/print.hpp"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

using namespace strata;

TEST(Line, numbers_read_as_printf_prints_them) {
  const auto same = [](std::uint64_t n) {
    RC_ASSERT(std::string(Line().number(n).c_str()) == std::to_string(n));
    char hex[32];
    std::snprintf(hex, sizeof hex, "0x%lx", n);
    RC_ASSERT(std::string(Line().hex(n).c_str()) == std::string(hex));
  };
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t n = std::uint64_t{1} << bit;
    same(n);
    same(n - 1);
    same(n + 1);
  }
  same(~std::uint64_t{0});
  EXPECT_TRUE(rc::check(same));
}

TEST(Line, sizes_are_said_in_the_unit_a_person_would_choose) {
  const auto said = [](size_t bytes) { return std::string(Line().size(bytes).c_str()); };
  EXPECT_EQ(said(0), "0 B");
  EXPECT_EQ(said(1023), "1023 B");
  EXPECT_EQ(said(1024), "1.0 KiB");
  EXPECT_EQ(said(12 * KiB + 512), "12.5 KiB");
  EXPECT_EQ(said(MiB - 1), "1023.9 KiB");
  EXPECT_EQ(said(MiB), "1.0 MiB");
  EXPECT_EQ(said(3 * GiB + 100 * MiB), "3.0 GiB");
  EXPECT_EQ(said(TiB), "1.0 TiB");
  EXPECT_EQ(said(5000 * TiB), "5000.0 TiB");
}

TEST(Line, what_does_not_fit_is_cut_and_the_end_stays_a_zero) {
  struct {
    Line line;
    char behind[64];
  } guarded;
  std::memset(guarded.behind, 0x5a, sizeof guarded.behind);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    guarded.line.text("seven__").number(std::uint64_t(i));
    all += "seven__" + std::to_string(i);
    const std::string text = guarded.line.c_str();
    ASSERT_EQ(text, all.substr(0, 255));
    ASSERT_EQ(guarded.line.length(), text.size());
  }
  for (const char c : guarded.behind) ASSERT_EQ(c, 0x5a);
}

}  // namespace
