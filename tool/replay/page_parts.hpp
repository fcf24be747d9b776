// The style and script of a comparison's page, put into the command by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace strata::replay {

extern const std::string_view page_style;
extern const std::string_view page_script;

}  // namespace strata::replay
