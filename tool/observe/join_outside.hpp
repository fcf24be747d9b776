// What of a process's resident pages is not the heap's: code, stacks, files, others' memory.
#pragma once

#include <array>
#include <vector>

#include "observe/account.hpp"

namespace strata::tool {

// Resident bytes by part, in fractions: a page may be shared out.
using PartSums = std::array<double, part_count>;

// Adds what lies in mappings outside the heap to the sums, and completes the account's list of it,
// its huge pages and its threads' stacks. `account` has the heap's view and its threads; `mappings`
// are the process's, in order of address.
void join_outside(Account& account, const Process& process, const std::vector<Mapping>& mappings,
                  PartSums& sums);

}  // namespace strata::tool
