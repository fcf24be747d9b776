// A heap profile from a trace: nothing is estimated, every allocation was written down.
#pragma once

#include "profile/heap_profile.hpp"
#include "trace/reader.hpp"

namespace strata::tool {

// What each calling place of the process asked for in all, had at the moment when the process had
// most, and had at the end; in the bytes that were asked for. A place is one call: a trace holds no
// stacks. The trace has calling places. Reads the process's events twice. TraceError when the trace
// is damaged.
HeapProfile trace_profile(const trace::TraceFile& file, const trace::ProcessInTrace& process);

}  // namespace strata::tool
