// A recording from start to end: starts the program, collects, writes the trace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::record {

struct SessionOptions {
  std::string trace;                 // the file to write
  std::string allocator;             // library to put under the program; empty: the system's
  std::vector<std::string> command;  // program and arguments
  bool sites = false;
  bool first_only = false;  // programs that it starts are not recorded
};

struct SessionResult {
  int exit_code = 0;  // the program's; 128 + n when signal n ended it
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
  std::uint32_t processes = 0;
  std::uint64_t lost = 0;            // events
  std::uint32_t processes_lost = 0;  // that could not be recorded
  std::string failure;               // why the trace ends early
};

// Runs to the end of the program and of all it started, or until the user ends it (SIGINT or
// SIGTERM once the program itself has ended). Throws std::runtime_error when it cannot begin.
SessionResult record(const SessionOptions& options);

}  // namespace strata::record
