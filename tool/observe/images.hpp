// Images: the program and the libraries that a process has mapped, and where those of their
// variables lie that stand in no file: an anonymous mapping behind the last of the file's own,
// which the kernel may have joined with whatever was mapped next to it.
#pragma once

#include <string>
#include <vector>

#include "observe/process.hpp"
#include "observe/residency.hpp"

namespace strata::tool {

// Addresses of variables, and whose they are.
struct Variables {
  std::uint64_t start;
  std::uint64_t end;
  std::string image;
};

// In order of address.
std::vector<Variables> find_variables(const Process& process, const std::vector<Mapping>& mappings);

}  // namespace strata::tool
