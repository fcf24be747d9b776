// A file that a process runs code of, and where: what gives a calling place its name.
#pragma once

#include <cstdint>
#include <string>

namespace strata::trace {

struct Module {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // of `begin` in the file
  std::string path;
};

}  // namespace strata::trace
