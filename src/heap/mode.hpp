// Mode: another allocator behind the same calls, chosen when the process starts.
//
// Idea. Both hot paths (heap.hpp) already have a way to miss. In a mode other than the default one
// no thread ever gets a ThreadHeap, so its bins stay empty and no slab has an owner: every call
// misses, and finds on the slow path, where it has no ThreadHeap, the one test that sends it to the
// mode's own functions. The default mode pays nothing: it has a ThreadHeap and never tests.
//
//   malloc   bin is empty             -> allocate_slow   -> no heap -> mode->allocate
//   free     slot is not this thread's -> free_elsewhere -> no heap -> mode->free
//   realloc  slot has no class        -> reallocate_slow -> no heap -> mode->reallocate
//
// Blocks that the default heap handed out before the mode began stay valid: the mode's functions
// pass what is not theirs back (free_default and its kin).
#pragma once

#include "base/attributes.hpp"
#include "heap/statistics.hpp"
#include "platform/current.hpp"

namespace strata::heap {

// The family a block was asked from; it should go back to the same.
enum class Form : std::uint8_t { malloc, new_one, new_array };

// What sized forms of free say is compared with the block; the others say this.
constexpr size_t unknown_size = ~size_t{0};

// All functions: as their namesakes in heap.hpp. Pointers are never null.
struct ModeCalls {
  void* (*allocate)(size_t size, Form form) noexcept;
  void* (*allocate_zeroed)(size_t size) noexcept;
  void* (*allocate_aligned)(size_t alignment, size_t size, Form form) noexcept;
  void (*free)(void* pointer, Form form, size_t size) noexcept;
  void* (*reallocate)(void* pointer, size_t size) noexcept;
  size_t (*usable_size)(void* pointer) noexcept;
  size_t (*trim)(size_t keep) noexcept;
  void (*collect)(Statistics& statistics) noexcept;
  void (*finish_thread)() noexcept;
  void (*verify_at_exit)() noexcept;
  void (*before_fork)() noexcept;
  void (*after_fork_in_parent)() noexcept;
  void (*after_fork_in_child)() noexcept;
};

// Null: the default mode. Written once, by start_mode; a plain read, because whoever runs in
// another thread came after it.
template <bool exists>
struct ModeInUse {
  STRATA_HIDDEN static const ModeCalls* calls;
};
template <>
struct ModeInUse<false> {
  static constexpr const ModeCalls* calls = nullptr;
};
inline constexpr const ModeCalls* const& mode = ModeInUse<Machine::has_modes>::calls;

// Switches to a mode, for good: from the calling thread's next call on. To be called while the
// process has one thread, before its first slow path or soon after.
void start_mode(const ModeCalls& calls) noexcept;

// For the mode's functions: what the default heap would do with a pointer of its own.
void free_default(void* pointer) noexcept;
void* reallocate_default(void* pointer, size_t size) noexcept;
size_t usable_size_default(void* pointer) noexcept;
// What the default heap still holds, added to `statistics`.
void collect_default(Statistics& statistics) noexcept;

}  // namespace strata::heap
