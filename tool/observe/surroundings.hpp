// What stands around a process: its limits, its group's, its environment, who else allocates in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "observe/process.hpp"
#include "observe/residency.hpp"

namespace strata::tool {

struct Surroundings {
  std::vector<std::string> complaints;         // about STRATA_* variables, in words
  std::optional<std::uint64_t> address_limit;  // ulimit -v, -d: the lower one
  std::uint64_t address_space = 0;             // in use
  std::optional<std::uint64_t> group_limit;    // memory.max of its control group
  std::uint64_t group_use = 0;
  std::uint64_t mappings = 0;
  std::uint64_t most_mappings = 0;  // vm.max_map_count
  bool program_has_own_malloc = false;
  std::vector<std::string> allocators;  // libraries of other allocators
  std::vector<std::string> runtimes;    // that keep memory of their own: python, node, java
};

Surroundings look_around(const Process& process, const std::vector<Mapping>& mappings);

}  // namespace strata::tool
