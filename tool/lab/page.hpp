// The parts of the lab's page. The two of uPlot are empty when the build had no npm; they are made
// by cmake/embed_uplot.cmake.
#pragma once

#include <string_view>

namespace strata::lab {

extern const std::string_view page_head;
extern const std::string_view page_body;
extern const std::string_view uplot_script;
extern const std::string_view uplot_style;

}  // namespace strata::lab
