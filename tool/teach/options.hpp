// The library's options as they are set somewhere: in an environment.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "observe/settings.hpp"

namespace strata::tool {

struct Setting {
  std::string value;
  std::string origin;     // "default" or "environment"
  std::string complaint;  // why what is set is not in effect; empty when it is
};

using Environment = std::vector<std::string>;  // "NAME=value"

Environment own_environment();
// As the process was started with. Trouble when there is none such, or it is another user's.
Environment environment_of(pid_t process);

Setting setting_in(const Environment& environment, const OptionFacts& option);
Setting setting_in_environment(const OptionFacts& option);  // in ours

// Variables STRATA_* that are no option, in words each.
std::vector<std::string> strangers_in(const Environment& environment);

// Whether a library of that name is mapped in the process.
bool has_library(pid_t process, const std::string& name);

// For tables: "nothing" where a value is empty.
std::string shown(const std::string& value);

}  // namespace strata::tool
