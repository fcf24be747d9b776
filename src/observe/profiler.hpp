// The heap profiler: which stacks allocate, and which hold what is live.
//
// A client of the sampling point (heap/sample.hpp): one allocation in so many bytes is looked at,
// its stack is walked, and what it stands for is added up in shared memory (profile_area.hpp). It
// is always there, is switched on and off in a running process, and costs nothing while it is off,
// but for the frees of what was sampled before.
//
// A sampled small block is served from slabs of its own (SampledSlabs), so that its free is seen.
// The block that would have served stays taken: the heap keeps the shape it would have, and whose
// blocks keep sparse slabs alive can be told from where these places lie.
//
// Cost of a sample: the walk, a lock, about 400 instructions. docs/design/profiling.md.
// Thread-safe; allocates nothing through the heap.
#pragma once

#include "base/units.hpp"

namespace strata::observe::profiler {

// The mean when nobody says another.
constexpr size_t default_mean = 512 * KiB;

enum class Start { done, refused_memory, not_in_this_mode, kept_elsewhere };

// Starts, into the next slice of the profile file at `path`; or goes on in the one it has of it.
Start start(const char* path, size_t mean) noexcept;
// Starts, into memory that reads zero and is Layout::end bytes large; also once more, with another
// mean or after stop(), if it is the same memory.
Start start_at(Address slice, size_t mean) noexcept;
// Stops. What is known is kept, and what was sampled is followed until it is freed.
void stop() noexcept;
[[nodiscard]] bool is_on() noexcept;

// Around fork(), outside of the heap's own handlers. The child profiles itself in the next slice of
// the file, or not at all where there is none; what it inherited is its parent's to account for.
void before_fork() noexcept;
void after_fork_in_parent() noexcept;
void after_fork_in_child() noexcept;

}  // namespace strata::observe::profiler
