// What a run amounted to: the ten lines on the standard error, and the document.
#pragma once

#include <string>
#include <vector>

#include "observe/documents.hpp"
#include "observe/launch.hpp"
#include "observe/monitor.hpp"

namespace strata::tool {

struct RunFacts {
  std::vector<std::string> command;
  Outcome outcome;
  std::string obstacle;        // why the program is not under Strata; empty: it is
  std::uint64_t own_peak = 0;  // resident bytes of the command itself when it forked
};

// Ten lines, each with its end of line.
std::vector<std::string> run_summary(const RunFacts& facts, const Monitor& monitor);

// Everything the report page needs of a run: what `strata run --json FILE` writes.
Json run_document(const RunFacts& facts, const Monitor& monitor);

// One line for --stats-interval.
std::string interval_line(const Monitor& monitor);

}  // namespace strata::tool
