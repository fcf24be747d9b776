// A comparison as a table, as words, as JSON.
#pragma once

#include <string>
#include <vector>

#include "replay/result.hpp"

namespace strata::replay {

// The program and how it was measured, in a line or two.
std::string heading(const Comparison& comparison);
std::string table(const Comparison& comparison);

// Which allocator, in sentences: what the choice is worth, who is fastest, who holds least, whom to
// take. With several comparisons also who is best over all of them.
std::vector<std::string> words(const Comparison& comparison);
std::vector<std::string> words_over(const std::vector<Comparison>& comparisons);

// Everything, and back. from_json throws std::runtime_error that names the file.
std::string to_json(const std::vector<Comparison>& comparisons);
std::vector<Comparison> from_json(const std::string& path);

// A sentence in lines for a terminal, as an item of a list.
std::string wrapped(const std::string& sentence);

// "83.2 MB", "12.3 ms".
std::string megabytes(double bytes);
std::string duration(double seconds);

}  // namespace strata::replay
