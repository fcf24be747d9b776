// Figures for people: sizes, times, bars and small plots, in plain text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::tool {

// 640 B, 12.5 KiB, 3.0 MiB: at most 10 letters.
std::string size_words(double bytes);
// 12,345,678.
std::string count_words(std::uint64_t count);
// 12.3k, 4.5M: at most 6 letters.
std::string short_count(double count);
// 850 ms, 12.3 s, 4 min 10 s, 2 h 5 min.
std::string time_words(std::uint64_t milliseconds);
// 7%, 0.4%, 100%.
std::string share_words(double part, double whole);

// A bar of at most `width` columns, in eighths of one.
std::string bar(double part, double whole, unsigned width);

// A line of `width` columns whose heights follow the values, 0 to `most`.
std::string spark_line(const std::vector<double>& values, unsigned width, double most);

// How many columns a UTF-8 text takes (letters of one column each).
unsigned columns(const std::string& text);
// Cut or filled up with spaces to so many columns.
std::string fitted(const std::string& text, unsigned width);

}  // namespace strata::tool
