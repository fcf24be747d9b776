// Profiling a program from its start to its end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "observe/launch.hpp"
#include "profile/heap_profile.hpp"

namespace strata::tool {

struct ProfileRun {
  HeapProfile profile;
  Outcome outcome;
};

// Runs the program with `environment` added, which has Strata under it. Watches what its processes
// hold as they run, so that their peaks are known. CannotStart as Launch.
ProfileRun profile_program(const std::vector<std::string>& command,
                           std::vector<std::string> environment, std::uint64_t mean);

// The command line with spaces between its words.
std::string joined(const std::vector<std::string>& words);

}  // namespace strata::tool
