// What the pages are made of, put into the command by cmake/embed.cmake: the style and script that
// all share, and uPlot (MIT licence), which the build fetches by npm; its two are empty where npm
// could not.
#pragma once

#include <string_view>

namespace strata::page {

extern const std::string_view style;
extern const std::string_view script;
extern const std::string_view uplot_script;
extern const std::string_view uplot_style;

}  // namespace strata::page
