// The profile area: shared memory in which a process keeps its heap profile, and from which the
// command `strata` reads it. This header is all they agree on; docs/design/profiling.md says why.
//
//   the file | slice 0 | slice 1                                          | slice 2 ...
//              Header    Profile, Modules, names, Stacks, frames, LiveSamples      256 MiB of file
//                                                                 each, touched as they fill
//
// The file is the command's, and lives in memory. Each process takes the next slice, and so does
// each program that replaces another by exec, and each child of a fork. What stands in a slice is
// complete at every moment, so nothing is lost when the process is killed or ends without a word.
//
// The process writes; of what it reads back nothing leads it out of the slice. Arrays only grow,
// and their counts are written after what they count (release); LiveSamples come and go: see there.
#pragma once

#include "base/atomic.hpp"
#include "base/units.hpp"

namespace strata::observe {

constexpr std::uint64_t profile_magic = 0x656c'6966'6f72'7073;
// Changes whenever anything in this header does.
constexpr std::uint32_t profile_version = 1;

constexpr unsigned profile_slice_shift = 28;
constexpr size_t profile_slice_bytes = size_t{1} << profile_slice_shift;
constexpr std::uint32_t most_profile_slices = 1U << 16;

// Slice 0.
struct ProfileHeader {
  std::uint64_t magic;
  std::uint32_t version;
  Atomic<std::uint32_t> next;  // the slice that the next process takes
};

struct Profile {
  std::uint64_t magic;  // written last: what follows can be read (release)
  std::uint32_t version;
  std::uint32_t process;
  std::uint32_t parent;
  std::uint32_t padding;
  std::uint64_t started;  // Machine::now()
  std::uint64_t mean;     // bytes a sample
  Atomic<std::uint32_t> stacks;
  Atomic<std::uint32_t> frames;
  Atomic<std::uint32_t> modules;
  Atomic<std::uint32_t> names;       // bytes
  Atomic<std::uint32_t> live_used;   // LiveSamples beyond were never in use
  Atomic<std::uint32_t> live;        // in use now
  Atomic<std::uint64_t> live_bytes;  // estimated
  Atomic<std::uint64_t> samples;     // ever
  Atomic<std::uint64_t> dropped;     // of these, for want of room
  char executable[1024];             // path
};

// A piece of code that was mapped: addresses of a stack's frames bear the number of theirs.
struct Module {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t bias;  // what was added to the addresses in its file
  std::uint32_t name;  // offset of its path, which ends with a zero; empty: the executable
  std::uint32_t padding;
};

// A frame: a return address, and above it the number of its module plus 1; 0: none is known.
constexpr unsigned frame_module_shift = 48;
constexpr std::uint64_t frame_address = (std::uint64_t{1} << frame_module_shift) - 1;

// Estimates of all that was allocated at this stack.
struct Stack {
  std::uint32_t first_frame;  // the innermost
  std::uint32_t frames;
  std::uint64_t samples;
  double blocks;
  double bytes;      // of the blocks
  double requested;  // that the program asked for
};

// A sampled block that is not freed yet. It stands for `weight` blocks like it. To read one: its
// stack (acquire), the rest, its stack again: it is one if both are alike and not 0.
struct LiveSample {
  std::uint64_t address;
  std::uint64_t place;  // of a small block: where it would lie, among others; kept free. Or 0
  std::uint64_t size;   // asked for
  std::uint64_t bytes;  // of the block
  double weight;
  std::uint64_t born;           // Machine::now()
  std::uint64_t thread;         // the kernel's number
  Atomic<std::uint32_t> stack;  // its number plus 1; 0: not in use
  std::uint32_t padding;
};
static_assert(sizeof(LiveSample) == 64);

// Where what begins in a slice, and how much there may be of it.
struct Layout {
  static constexpr std::uint32_t most_modules = 1024;
  static constexpr std::uint32_t most_names = 220 * 1024;
  static constexpr std::uint32_t most_stacks = 1U << 16;
  static constexpr std::uint32_t most_frames = 1U << 21;
  static constexpr std::uint32_t most_live = 1U << 18;

  static constexpr size_t modules = 4 * KiB;
  static constexpr size_t names = modules + most_modules * sizeof(Module);
  static constexpr size_t stacks = 256 * KiB;
  static constexpr size_t frames = 4 * MiB;
  static constexpr size_t live = frames + most_frames * sizeof(std::uint64_t);
  static constexpr size_t end = live + most_live * sizeof(LiveSample);
  static_assert(sizeof(Profile) <= modules && names + most_names <= stacks &&
                stacks + most_stacks * sizeof(Stack) <= frames && end <= profile_slice_bytes);
};

}  // namespace strata::observe
