// The lab's three reports: a table, JSON, a page.
#pragma once

#include <string>
#include <vector>

#include "lab/result.hpp"

namespace strata::lab {

std::string table(const std::vector<Result>& results);
std::string json(const Workload& workload, const std::vector<Result>& results);
// A page that stands alone. Plots need uPlot, which the build embeds if npm could fetch it; without
// it the page says so and keeps tables and drawings.
std::string html(const Workload& workload, const std::vector<Result>& results);

}  // namespace strata::lab
