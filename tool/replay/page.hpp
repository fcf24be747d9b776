// Comparisons as one page that stands alone.
#pragma once

#include <string>
#include <vector>

#include "replay/result.hpp"

namespace strata::replay {

// Curves are drawn by uPlot, which the build embeds if npm could fetch it; without it the page says
// so and keeps words, tables and bars.
std::string html(const std::vector<Comparison>& comparisons);

}  // namespace strata::replay
