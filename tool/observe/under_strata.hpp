// How a program is started under Strata: its environment, and whether that can work.
#pragma once

#include <string>
#include <vector>

namespace strata::tool {

struct UnderStrata {
  std::vector<std::string> environment;  // "NAME=value"
  std::string obstacle;                  // why the library will not reach it; empty: it will
};

// `library`: path, empty: the one beside the command. `settings`: "option=value". Trouble when an
// option is bad or there is no library.
UnderStrata under_strata(const std::string& program, const std::string& library,
                         const std::vector<std::string>& settings);

}  // namespace strata::tool
