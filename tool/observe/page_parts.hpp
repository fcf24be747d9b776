// The style and script of a run's page, put into the command by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace strata::observe {

extern const std::string_view page_style;
extern const std::string_view page_script;

}  // namespace strata::observe
