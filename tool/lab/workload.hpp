// Workloads of the lab: a list of events, from a law and a seed, or from a recorded trace.
//
// A trace is what `strata record` writes, or a text file, one event a line; a # starts a comment,
// empty lines are skipped:
//   a ID SIZE          allocate SIZE bytes and call the block ID (any number)
//   m ID SIZE ALIGN    the same, aligned
//   r ID SIZE          reallocate the block
//   f ID               free it
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::lab {

enum class EventKind : std::uint8_t { allocate, allocate_aligned, reallocate, free };

struct Event {
  EventKind kind;
  std::uint32_t slot;  // which block: ids are made dense, and used again after a free
  std::uint64_t size;
  std::uint32_t alignment;
};

struct Workload {
  std::string name;
  std::vector<Event> events;
  std::uint32_t slots = 0;
  std::uint64_t peak_live_bytes = 0;  // requested bytes alive at most
  std::uint64_t peak_live_blocks = 0;
};

struct Law {
  const char* name;
  const char* meaning;
};
const std::vector<Law>& laws();

// `live` blocks on average; every event allocates or frees one.
Workload synthetic(const std::string& law, std::uint64_t operations, std::uint64_t seed,
                   std::uint32_t live);
// Throws std::runtime_error that names file, line and reason.
Workload from_trace(const std::string& path);
// From what `strata record` wrote: all threads of the process with most events, in one order.
Workload from_recording(const std::string& path);
// Works out how much lives at once.
void measure(Workload& workload);

}  // namespace strata::lab
