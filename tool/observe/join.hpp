// Which part of an account each resident page of a process belongs to.
#pragma once

#include <vector>

#include "observe/account.hpp"

namespace strata::tool {

// Completes an account that has the heap's view: the parts, and the shares of runs, classes, threads
// and of what lies outside the heap. `mappings`: the process's, in order of address.
void join(Account& account, const Process& process, std::vector<Mapping> mappings);

}  // namespace strata::tool
