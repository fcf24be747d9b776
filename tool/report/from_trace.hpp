// The report of a trace: what the program asked for, and what Strata's heap makes of it.
#pragma once

#include <string>

#include "observe/documents.hpp"
#include "replay/allocators.hpp"
#include "replay/result.hpp"

namespace strata::tool {

struct TraceReport {
  std::string process;  // of the trace: name, id or #number; empty: the one with most events
  replay::Allocator strata;
  replay::Settings settings;  // touch and pace
};

// The page's document (report/page.hpp). TraceError, Trouble or std::runtime_error when the trace
// is damaged or cannot be replayed.
Json document_of_trace(const std::string& path, const TraceReport& how);

}  // namespace strata::tool
