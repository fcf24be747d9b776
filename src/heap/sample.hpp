// The sampling point: one allocation in so many bytes is shown to whoever wants to look at it, or
// to serve it otherwise: the heap profiler (observe/), guarded blocks (harden/), counts of what
// was allocated (observe/). Switched on and
// off in a running process; nothing of it stands on a hot path.
//
// Idea. Points are thrown on the bytes the program allocates, independently, one in `mean` bytes: a
// Poisson process. A block is sampled when at least one point falls on it, so
//
//     P(a block of s bytes is sampled) = 1 - exp(-s / mean)
//
// whatever else happens. Independent Poisson processes over parts of the bytes make up one over all
// of them, so each thread has a process of its own for every size class and one for large blocks.
// Inside a class all blocks are equal, and the blocks up to the next sampled one are
// floor(E / s) + 1, where E is exponential with that mean: Countdown::left. It is drawn without
// knowledge of what the program does, and what the program does before the sampled block comes does
// not depend on it. (For large blocks E itself counts down.) The process has no memory, so that it
// may be forgotten and drawn anew at any moment: a thread's first refill, a new mean.
//
// How it is met without a test in malloc. While sampling is on, the thread's frees of blocks that
// it is served from do not go back to the bin, but to a list beside it (ThreadHeap::returned):
// free() finds its list through the slot anyway. So a bin is taken from by malloc alone, the malloc
// calls until it is empty are known when it is filled, and a program that takes and gives back one
// block for ever empties it all the same. And a bin is never given more blocks than come before the
// sampled one. So the sampled allocation finds its bin empty and comes to the slow path, which
// knows it by the countdown (settle() has subtracted what was handed out, also when a bin is
// emptied for another reason).
//
//     bin      b b b b b b | S        left = 7: the bin gets 6 blocks; the seventh malloc is S
//     returned       f f f            becomes the next bin, up to the next S
//
// Threads that run when it is switched on might never come to a slow path. So the slots they are
// served from call for their owners (Slot::call_owner): the next free there is not on the hot path,
// and answers.
//
// What it does not see: what a thread takes after switching on and before its first miss or free;
// blocks in bins when the mean changes (at most a slab's bytes a thread and class). A large block
// that grows in place is sampled when a point falls on what it grows by.
//
// Cost. Off: nothing on the hot paths, two instructions in a miss. On: docs/design/profiling.md.
#pragma once

#include "base/atomic.hpp"
#include "heap/size_classes.hpp"
#include "platform/current.hpp"

namespace strata {

struct ThreadHeap;

namespace heap::sample {

// The largest mean, because `left` has 31 bits: at most 44 of these, in blocks of 16 bytes.
constexpr size_t largest_mean = 512 * MiB;

// One thread's countdowns. Part of its ThreadHeap; valid when all zero.
struct Countdown {
  // Below zero however many blocks a bin has handed out.
  static constexpr std::int32_t not_drawn = -(1 << 30);

  std::uint32_t epoch = 0;  // in which the rest is valid
  bool busy = false;        // a client is at work: what it allocates is not sampled
  std::uint64_t random = 0;
  std::uint64_t coarse_random = 0;
  std::uint64_t large_left = 0;         // bytes until the next point, plus 1; 0: not drawn
  std::int32_t left[class_count] = {};  // blocks until the sampled one, with it; not_drawn
};

// A sampled allocation, as its client sees it.
struct Allocation {
  void* block = nullptr;  // what the program gets; a client may put another block in its place
  size_t size = 0;        // what the program asked for
  size_t alignment = 0;   // of the block; also of what takes its place
  size_t counted = 0;     // bytes on which points fell: the block's, or those by which it has grown
  size_t mean = 0;        // bytes a point: the least mean of all clients
  size_t client_mean = 0;  // for this client: it sees `mean` of `client_mean` samples
  bool zeroed = false;     // the block reads zero, and so must what takes its place
  bool large = false;      // not of a slab: must not be replaced; its free is told
  bool grown = false;      // a large block that existed has grown to `size`, perhaps known already
};

// Functions are called without any lock held, on the thread that allocates or frees; they must keep
// errno and may not throw. null: nothing to say.
struct Client {
  // Whoever replaces the block owns the one that was there, and may free() it or keep it in place.
  void (*allocated)(Allocation& allocation) noexcept = nullptr;
  // A pointer is freed that is not in a slab: sampled large blocks, blocks in slots of the kind
  // `sampled`, and all that is outside of the heap's ranges, huge blocks and wild pointers
  // included. True: it was a replacement, and is given back. False: the heap goes on, here nothing
  // is known or only a note of it was.
  bool (*freed)(void* pointer) noexcept = nullptr;
  // Usable bytes of a replacement; 0: not one of mine.
  size_t (*usable)(const void* pointer) noexcept = nullptr;
  // A sampled large block stays where it is and has another size. allocated() comes after it when a
  // point falls on what it grows by.
  void (*resized)(void* pointer, size_t old_bytes, size_t bytes) noexcept = nullptr;
};

// Clients, in the order in which they are asked. When several want a sample, all see it.
enum class Which : unsigned { guards, profile, counts };
constexpr unsigned client_count = 3;

// Makes a client known, for good: blocks it replaced may be freed long after it was switched off.
// `client` must outlive the process's last free. Thread-safe.
void set_client(Which which, const Client* client) noexcept;
// One point in `mean` bytes (1 to largest_mean, larger ones are taken for it); 0 switches the
// client off. Thread-safe; takes the registry's lock. In modes other than the default one
// (mode.hpp) nothing is sampled.
void set_mean(Which which, size_t mean) noexcept;
// The client's mean, 0: off.
size_t mean_of(Which which) noexcept;

// The coarse point
//
// For guards, which need samples that cost nothing more than they need fair ones: one miss of a bin
// in so many shows the block that follows. A miss brings 4 KiB of blocks or more, so of the bytes
// that pass the bins it is one in 4 KiB times as many; blocks that come and go within a bin are
// never shown. Costs two instructions a miss; nothing on any other path changes. The same client
// functions; mean and client_mean are 0.
constexpr size_t bytes_of_miss = 4 * KiB;
// 0: off, for threads that are in the middle of counting after 2^20 misses at the latest.
void set_misses(Which which, std::uint32_t misses) noexcept;

// For the heap's slow paths.
// -----------------------------------------------------------------------

// Odd while on. Written under the registry's lock.
STRATA_HIDDEN extern Atomic<std::uint32_t> epoch;
inline bool is_on() noexcept {
  return Machine::has_modes && (epoch.load(Order::acquire) & 1U) != 0;
}

// Whether a bin of class c, which has handed out so many blocks, may get `most` more without
// meeting the sampled one. True: `handed` is counted.
inline bool may_pass(Countdown& countdown, unsigned c, std::int32_t handed,
                     std::int32_t most) noexcept {
  if (countdown.epoch != epoch.load(Order::acquire)) return false;
  const std::int32_t left = countdown.left[c] - handed;
  if (left <= most) return false;
  countdown.left[c] = left;
  return true;
}

// An empty bin of class c is about to be filled: how many blocks it may get, at least 1. `sampled`
// becomes true when the first of them is the sampled one.
std::int32_t share(ThreadHeap& heap, unsigned c, bool& sampled) noexcept;

// Shows a sampled allocation to its clients; what the program gets. `heap` may be null.
STRATA_COLD void* show(ThreadHeap* heap, Allocation allocation) noexcept;

// A thread has counted down: what its miss is served with. `block` may be null.
STRATA_EARLY void* coarse_point(ThreadHeap& heap, void* block, size_t size, bool zeroed) noexcept;

// A large block of `counted` bytes was made, or grew by that. True: it is sampled.
bool passed(ThreadHeap* heap, size_t counted) noexcept;

// See Client.
bool freed(void* pointer) noexcept;
size_t usable(const void* pointer) noexcept;
void resized(void* pointer, size_t old_bytes, size_t bytes) noexcept;

// The child of a fork draws anew: it shall not sample what its siblings do.
void after_fork() noexcept;

// What all threads' random numbers start from; for tests that want them the same each time.
void set_seed(std::uint64_t seed) noexcept;

// Exponentially distributed with that mean, from 64 random bits; rounded down. Exported for tests.
std::uint64_t exponential(std::uint64_t random, size_t mean) noexcept;

}  // namespace heap::sample
}  // namespace strata
