// Profiling a program from its start to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "observe/launch.hpp"
#include "profile/heap_profile.hpp"

namespace strata::tool {

struct ProfileRun {
  HeapProfile profile;
  Outcome outcome;
};

// Asked again and again while the program runs; returns the milliseconds until the next time.
using Tick = std::function<unsigned(pid_t)>;

// Runs the program with `environment` added, which has Strata under it. Watches what its processes
// hold as they run, so that their peaks are known. `held`: also what holds sparse slabs of the
// program's first process, when most is free in slabs; `environment` must have it observed then.
// CannotStart as Launch.
ProfileRun profile_program(const std::vector<std::string>& command,
                           std::vector<std::string> environment, std::uint64_t mean, bool held,
                           const Tick& tick = nullptr);

// The command line with spaces between its words.
std::string joined(const std::vector<std::string>& words);

}  // namespace strata::tool
