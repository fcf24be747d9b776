// One event of a recorded program: the words that the recorder, the file and the replay share.
#pragma once

#include <cstdint>

namespace strata::trace {

// Their numbers are part of the file's format.
enum class Kind : std::uint8_t {
  none = 0,
  malloc,        // address and size of the new block
  calloc,        // the same, cleared
  aligned,       // the same, with an alignment
  free,          // address
  realloc_from,  // address of the block that realloc is about to take
  realloc_to,    // address and size of the block that it returned
  failed,        // size that was refused; after realloc_from the block stays, but for size 0
  thread_end,    // the thread's last event
  site,          // address of the call that the thread's next event belongs to
};
constexpr unsigned kind_count = 10;

struct Event {
  Kind kind = Kind::none;
  std::uint8_t alignment_log2 = 0;
  std::uint64_t time = 0;  // nanoseconds since the recording began; never less than the one before
  std::uint64_t address = 0;
  std::uint64_t size = 0;

  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace strata::trace
