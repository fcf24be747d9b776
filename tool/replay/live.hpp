// Runs the program itself under each allocator, in rounds that take turns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "replay/result.hpp"

namespace strata::replay {

// Time is that of the program and all it waited for; memory that of it and its children, looked at
// every ten milliseconds. Its output goes nowhere, its input is the terminal's or a file that can
// be read again. An allocator under which it fails gets a `problem`.
Comparison run_live(const std::vector<std::string>& command,
                    const std::vector<Allocator>& allocators, const Settings& settings,
                    const std::function<void(const std::string&, double)>& progress);

}  // namespace strata::replay
