// The JSON that commands print, built in one place. Sizes are bytes, times milliseconds.
#pragma once

#include <nlohmann/json.hpp>

#include "observe/account.hpp"

namespace strata::tool {

using Json = nlohmann::ordered_json;

// What `strata stat --json` prints; docs/reference/statistics.md explains every name.
Json statistics_document(const Account& account);

// Large and huge blocks that were handed out, by size.
Json large_sizes_document(const ThreadCounts& counts);
// All blocks that were: the small ones as far as they are estimated.
Json allocations_document(const observe::Totals& totals);
// Small blocks of class c that were handed out, as estimated.
double estimated(const observe::Totals& totals, unsigned c);
// How many samples all estimates are from.
std::uint64_t samples(const observe::Totals& totals);

// To the standard output.
void print_document(const Json& document);

}  // namespace strata::tool
