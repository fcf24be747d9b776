// A run as one page that stands alone: what `strata run --html FILE` writes.
#pragma once

#include <string>

#include "observe/documents.hpp"

namespace strata::tool {

// `document`: of run_document(), with the account at the peak. Curves are drawn by uPlot, which the
// build embeds if npm could fetch it; without it the page says so and keeps figures and tables.
std::string run_page(const Json& document);

}  // namespace strata::tool
