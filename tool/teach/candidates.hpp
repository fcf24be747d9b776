// What can stand for a value: processes, options of the library, allocators, named choices.
#pragma once

#include <string>
#include <vector>

#include "teach/tree.hpp"

namespace strata::tool {

struct Candidate {
  std::string text;
  std::string meaning;
};

// `typed`: what there is of it; only decides what kind is wanted, the caller chooses.
std::vector<Candidate> candidates_for(const Argument& argument, const std::string& typed);

}  // namespace strata::tool
