// A comparison as a table, as words, as JSON.
#pragma once

#include <string>
#include <vector>

#include "replay/result.hpp"

namespace strata::replay {

// The program and how it was measured, in a line or two.
std::string heading(const Comparison& comparison);
std::string table(const Comparison& comparison);

// Which allocator, in sentences: what the choice is worth, who is fastest, who holds least; the
// last one says whom to take.
std::vector<std::string> words(const Comparison& comparison);

// An allocator over several comparisons: geometric means of its ratio to the best of each.
struct OverAll {
  std::string allocator;
  double time = 1, peak = 1, mean = 1;
};
// Those that have figures everywhere, the best first: by the mean of time and mean memory.
std::vector<OverAll> over_all(const std::vector<Comparison>& comparisons);
std::string over_all_table(const std::vector<OverAll>& all);

// Everything, and back. from_json throws std::runtime_error that names the file.
std::string to_json(const std::vector<Comparison>& comparisons);
std::vector<Comparison> from_json(const std::string& path);

// A sentence in lines for a terminal, as an item of a list.
std::string wrapped(const std::string& sentence);

// "83.2 MB", "12.3 ms".
std::string megabytes(double bytes);
std::string duration(double seconds);

}  // namespace strata::replay
