// Wrapping text.
#include "teach/text.hpp"

#include <sstream>

namespace strata::tool {

std::string wrap(const std::string& text, std::size_t indent, std::size_t width) {
  const std::string margin(indent, ' ');
  std::string out;
  std::istringstream lines(text);
  std::size_t column = indent;
  for (std::string line; std::getline(lines, line);) {
    if (!out.empty()) out += "\n" + margin;
    // What is indented within the text stays so, its continuation too.
    const std::size_t own = std::min(line.find_first_not_of(' '), line.size());
    out += std::string(own, ' ');
    column = indent + own;
    bool first = true;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (!first && column + 1 + word.size() > width) {
        out += "\n" + margin + std::string(own, ' ');
        column = indent + own;
        first = true;
      }
      out += (first ? "" : " ") + word;
      column += word.size() + (first ? 0 : 1);
      first = false;
    }
  }
  return out;
}

}  // namespace strata::tool
