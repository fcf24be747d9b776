// Text for a terminal: wrapped, indented.
#pragma once

#include <string>

namespace strata::tool {

constexpr std::size_t page_width = 80;

// The words of `text` in lines of at most `width` columns, each but the first indented by `indent`;
// a line break in the text stays one. No line break at the end.
std::string wrap(const std::string& text, std::size_t indent = 0, std::size_t width = page_width);

}  // namespace strata::tool
