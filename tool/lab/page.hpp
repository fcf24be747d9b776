// The parts of the lab's page: the files of lab/page/, and uPlot (MIT licence), which the build
// fetches by npm; its two are empty where npm could not. Made by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace strata::lab {

extern const std::string_view page_style;
extern const std::string_view page_body;
extern const std::string_view page_script;
extern const std::string_view uplot_script;
extern const std::string_view uplot_style;

}  // namespace strata::lab
