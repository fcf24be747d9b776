// Where Strata's own libraries are: beside the command, or in the lib folder next to its own.
#pragma once

#include <string>

namespace strata::tool {

// The path of one of our files, such as "libstrata.so". Throws std::runtime_error when it is not
// where it belongs.
std::string own_file(const std::string& name);

// What LD_PRELOAD must be for these libraries to come first. Empty names are left out; what the
// variable holds already stays behind them.
std::string preload_of(const std::string& first, const std::string& second = "");

}  // namespace strata::tool
