// Plays a plan under allocators, one process each, in rounds that take turns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "replay/allocators.hpp"
#include "replay/plan_builder.hpp"
#include "replay/result.hpp"

namespace strata::replay {

// Programs ask for more than they use; playing them should not use up the machine. Throws
// std::runtime_error when touching all that the program asked for might.
void check_room(const TraceFigures& trace, const std::string& touch);

// `progress` is told what is played, and how much of all is done (0 to 1). Throws
// std::runtime_error when the player itself cannot run; an allocator that fails gets a `problem`.
// The program's name and the trace's are the caller's to fill in.
Comparison replay(const Plan& plan, const std::vector<Allocator>& allocators,
                  const Settings& settings,
                  const std::function<void(const std::string&, double)>& progress);

}  // namespace strata::replay
