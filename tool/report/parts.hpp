// The page's own style and script, put into the command by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace strata::report {

extern const std::string_view style;
extern const std::string_view script;

}  // namespace strata::report
