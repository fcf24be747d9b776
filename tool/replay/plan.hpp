// The plan: a trace made ready to be played, so that the player has nothing to find out.
//
// Addresses have become slots of one array; what another thread must have done first is marked. The
// run is cut into epochs of equal length: a thread begins an epoch when all have finished the one
// before. Within an epoch threads run freely, and wait only for a block that another thread obtains
// in the same epoch. So threads stay together as they were in the program (their blocks are alive
// at the same time), with a few hundred barriers a run and no lock around each call.
//
// A slot that was emptied is filled again in a later epoch at the earliest: whoever waits for it to
// be filled cannot take an older block for the one meant. (A program with one thread reuses them at
// once.)
//
// The file: header, then blocks of operations as they come, each thread's chained by the table of
// blocks; tables at the end. Made by the command, read by its player on the same machine: no
// format.
#pragma once

#include <cstdint>

namespace strata::replay {

enum class Action : std::uint8_t {
  malloc,
  calloc,
  aligned,
  free,
  realloc,
  old_size,    // of the block that the realloc behind it takes: what lies beyond is new
  epoch,       // wait for epoch `slot`
  nothing,     // keeps the thread there
  thread_end,  // the thread ends
};

struct Operation {
  std::uint32_t slot;
  std::uint32_t from;  // of realloc: the slot of the block it takes
  std::uint64_t rest;  // size << 16 | waits << 15 | log2 of the alignment << 8 | action

  [[nodiscard]] Action action() const { return Action(rest & 0xff); }
  [[nodiscard]] unsigned alignment_log2() const { return unsigned(rest >> 8) & 0x3f; }
  // Whether another thread fills the slot that is emptied, in the same epoch.
  [[nodiscard]] bool waits() const { return (rest & 0x8000) != 0; }
  [[nodiscard]] std::uint64_t size() const { return rest >> 16; }
};
static_assert(sizeof(Operation) == 16);

constexpr Operation make_operation(Action action, std::uint32_t slot, std::uint64_t size = 0,
                                   bool waits = false, std::uint32_t from = 0,
                                   unsigned alignment_log2 = 0) {
  return {slot, from,
          size << 16 | std::uint64_t{waits} << 15 | std::uint64_t{alignment_log2} << 8 |
              std::uint64_t(action)};
}

constexpr std::uint32_t operations_per_block = 1024;

struct PlanEpoch {
  std::uint64_t time;        // when its last event was, in nanoseconds of the recording
  std::uint64_t live_bytes;  // asked for and alive at its end
  std::uint32_t threads;     // that have something to do in it
  std::uint32_t reserved;
};

struct PlanThread {
  std::uint32_t first_epoch;
  std::uint32_t first_block;  // in the table of blocks
  std::uint32_t blocks;
  std::uint32_t reserved;
  std::uint64_t operations;
};

struct PlanHeader {
  static constexpr std::uint64_t right_magic = 0x324e414c50525453;  // "STRPLAN2"

  std::uint64_t magic;
  std::uint32_t threads;
  std::uint32_t epochs;
  std::uint32_t slots;
  std::uint32_t blocks;
  std::uint32_t most_threads;  // at once
  std::uint32_t main_thread;   // the thread that the player's first one plays
  std::uint64_t threads_at;    // offsets in the file
  std::uint64_t epochs_at;
  std::uint64_t blocks_at;  // of u64: where each block is in the file
  std::uint64_t end;
};

}  // namespace strata::replay
