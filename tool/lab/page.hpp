// The parts of the lab's page: the files of lab/page/, put into the command by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace strata::lab {

extern const std::string_view page_style;
extern const std::string_view page_body;
extern const std::string_view page_script;

}  // namespace strata::lab
