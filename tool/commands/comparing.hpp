// What `strata replay` and `strata compare` share: their options, progress, and reports.
#pragma once

#include <string>
#include <vector>

#include "command.hpp"
#include "replay/result.hpp"

namespace strata::tool {

struct ComparingOptions {
  std::vector<std::string> with;  // allocators
  std::vector<std::string> sets;  // option sets of Strata
  std::string process;            // of a trace; empty: the one with most events
  replay::Settings settings;
  std::string pace = "full";
  std::string json;  // file, "-" for standard output
  std::string html;
  bool quiet = false;
};

// "full" is 0, "recorded" 1, "10x" 10; anything else throws std::runtime_error.
double pace_of(const std::string& text);

void add_comparing_options(CLI::App& command, ComparingOptions& options);

// The allocators that the options name; all that are installed when they name none.
std::vector<replay::Allocator> chosen_allocators(const ComparingOptions& options);

// Reads the trace, plays it, tells what was odd about it.
replay::Comparison replay_trace(const std::string& path, const ComparingOptions& options);
replay::Comparison run_program(const std::vector<std::string>& command,
                               const ComparingOptions& options);

// Table and words, or JSON; the page. Returns the exit code: 1 when an allocator failed.
int report(const std::vector<replay::Comparison>& comparisons, const ComparingOptions& options);

}  // namespace strata::tool
