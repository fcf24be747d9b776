// The allocators that a program can be put under: Strata, the system's, Debian's packages when they
// are there, any library by its path.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace strata::replay {

struct Allocator {
  std::string name;
  std::string library;  // to preload; empty: the system's own
  std::vector<std::pair<std::string, std::string>> environment;
};

// Strata, the system's and those of the known ones that are installed.
std::vector<Allocator> installed_allocators();

// From text: a known name or the path of a library, then any number of @VARIABLE=value. Throws
// std::runtime_error that says what there is.
Allocator find_allocator(const std::string& text);

// Strata with options: "DIRTY_LIMIT=1MiB,worker=off" (with or without STRATA_ before a name).
Allocator strata_with(const std::string& options);

}  // namespace strata::replay
