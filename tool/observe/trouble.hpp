// Trouble: what a command tells its user and ends with. The text is one sentence without a full
// stop; main() puts "strata: error: " before it.
#pragma once

#include <fmt/core.h>

#include <stdexcept>

namespace strata::tool {

class Trouble : public std::runtime_error {
 public:
  template <class... Values>
  explicit Trouble(fmt::format_string<Values...> format, Values&&... values)
      : std::runtime_error(fmt::format(format, std::forward<Values>(values)...)) {}
};

}  // namespace strata::tool
