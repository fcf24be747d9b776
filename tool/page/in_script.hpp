// Text that stands in a script element of a page.
#pragma once

#include <string>

namespace strata::tool {

// Within a script element only "</" could end it early.
inline std::string in_script(std::string text) {
  for (std::size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3) {
    text.replace(at, 2, "<\\/");
  }
  return text;
}

}  // namespace strata::tool
