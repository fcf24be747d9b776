// The board: shared memory on which an observed process answers the command `strata`.
//
// This header is the whole protocol: the library and the command both include it. Why it is made
// this way: docs/design/observing.md.
//
//   the file   | slice 0 | slice 1               | slice 2 ...     1 GiB of file each, of which a
//                header    Board | the answer...                   few pages are ever touched
//
// A process has one slice; a file of its own has one process, the file that `strata run` makes has
// every process beneath it. To ask: lock the slice's first byte (an open-file lock), write
// `question` and `arguments`, add one to `asked` and wake its futex, wait until `answered` is equal
// to it. The answer lies behind the board until the next question; who asked punches it out.
//
// Everything here is plain data of fixed size. What stands in an answer was true at one moment for
// what the heap's locks guard (which runs there are, which threads), and nearly so for the rest.
#pragma once

#include "base/atomic.hpp"
#include "base/units.hpp"
#include "heap/size_classes.hpp"
#include "heap/thread_counts.hpp"

namespace strata::observe {

constexpr std::uint64_t board_magic = 0x6472'616f'6261'7274;
// Changes whenever anything in this header does, or in what it includes.
constexpr std::uint32_t board_version = 3;

constexpr unsigned slice_shift = 30;
constexpr size_t slice_bytes = size_t{1} << slice_shift;
// Where in its slice an answer begins.
constexpr size_t answer_offset = 64 * KiB;
// Where in it the heap profile is kept once it was asked for (profile_area.hpp): without its
// Header.
constexpr size_t profile_offset = slice_bytes / 2;
constexpr size_t largest_answer = profile_offset - answer_offset;
// Slices of the file that `strata run` makes; a process that finds none left makes its own file.
constexpr std::uint32_t most_slices = 1U << 20;

// The thread that answers is found by this name; its descriptor 0 is the file, whose position is
// where the process's slice begins.
constexpr char observer_name[] = "strata-observe";

// Slice 0.
struct Header {
  std::uint64_t magic;
  std::uint32_t version;
  Atomic<std::uint32_t> next;  // the slice that the next process takes
  std::uint64_t mean;          // Question::estimate that every process begins with; 0: none
};

enum class Question : std::uint32_t {
  none = 0,
  totals,  // fills Board::totals; no answer behind the board
  survey,  // the answer is a Survey and its arrays
  // Switches the heap profile on, or to another mean, of arguments[0] bytes a sample; 0: off. No
  // answer behind the board: the profile can be read at any time once it has a magic number.
  profile,
  // arguments[0]: look at one allocation in so many bytes (0: at none), to estimate how many there
  // are; arguments[1]: for so many milliseconds, 0: for good. As `totals` besides.
  estimate,
  // The answer is a SlotBlocks for each slot of a slab that lies in [arguments[0], arguments[1])
  // and in the first most_slots_of_blocks slots of that.
  blocks,
};
constexpr unsigned most_slots_of_blocks = 256;

enum class Verdict : std::uint32_t {
  done = 0,
  unknown_question,
  refused_memory,
  not_in_this_mode,  // of the heap
  kept_elsewhere,    // the profile: in the file of another command
};

// Small blocks that were ever handed out while somebody wanted to know: expected values.
struct Estimates {
  static constexpr std::uint64_t unit = 1024;
  std::uint64_t mean;                  // one sample in so many bytes; 0: nobody wants to know now
  std::uint64_t blocks[class_count];   // in 1/unit
  std::uint64_t samples[class_count];  // from so many
};

// What a process has done since it started, and what it has now.
struct Totals {
  std::uint64_t time;               // Machine::now() when this was written
  ThreadCounts allocations;         // large and huge blocks ever handed out
  Estimates estimates;              // the small ones
  std::uint64_t live[class_count];  // blocks of each small class
  std::uint64_t small_live_bytes;   // strips' too
  std::uint64_t large_blocks;
  std::uint64_t large_bytes;
  std::uint64_t huge_blocks;
  std::uint64_t huge_bytes;
  std::uint64_t lent_bytes;   // to regions
  std::uint64_t dirty_bytes;  // free slots that wait for their purge
  std::uint64_t committed_bytes;
  std::uint64_t reserved_bytes;
  std::uint64_t purged_bytes;   // free slots given back to the system
  std::uint64_t purges;         // in so many calls
  std::uint64_t thinned_bytes;  // pages given back from inside partly used slabs
  std::uint64_t refusals;       // requests that were answered with null
  std::uint64_t threads;        // that hold a heap
};

struct Board {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t process;
  std::uint32_t thread;  // the one that answers
  std::uint32_t parent;
  std::uint64_t started;  // Machine::now()
  char release[16];       // the library's version
  char name[16];          // of the process, when it started or forked

  // The conversation.
  Atomic<std::uint32_t> asked;     // written by the asker; a futex
  Atomic<std::uint32_t> answered;  // written by the process; a futex
  Question question;
  Verdict verdict;
  std::uint64_t arguments[4];
  std::uint64_t answer_bytes;

  // Written by the process: the totals are complete when `ended` is set, at its exit.
  Atomic<std::uint32_t> ended;
  char last_words[256];  // the message it was aborted with, if it was
  Totals totals;
};
static_assert(sizeof(Board) <= 4 * KiB);

// A run of slots, or a huge block. `kind` says which fields mean something. A slab of several slots
// is a `slab` for the first and a `slab_part` for each further one.
enum class RunKind : std::uint8_t {
  slab,
  slab_part,
  strip,  // falloc's
  large,
  lent,  // to a region
  kept,  // by a mode that checks or by the sampling point: only they know what is live
  free_run,
  huge,
  in_transit,  // on its way from one to the other
};
// Who has a slab; see heap/sharing.hpp.
enum class Holder : std::uint8_t { thread, nobody_full, nobody_partial };

struct Run {
  std::uint64_t address;
  std::uint64_t bytes;     // large, huge: what the program may use
  std::uint64_t owner;     // slab: its thread, see Thread::key; 0: nobody
  std::uint32_t slots;     // huge: 0; slab and slab_part: 1
  std::uint32_t idle;      // free_run with dirty pages: milliseconds that the oldest have been free
  std::uint32_t dirty;     // free_run: written units of 4 KiB
  std::uint16_t live;      // slab: blocks handed out, but for what is Unsettled
  std::uint16_t uncarved;  // slab, part: units that hold no block on any list, as bits
  std::uint16_t written;   // slab, part: units that may hold something else than zero, as bits
  RunKind kind;
  Holder holder;
  std::uint8_t size_class;  // slab, part
};
static_assert(sizeof(Run) == 48);

struct Thread {
  std::uint64_t key;       // what Run::owner holds
  std::uint32_t number;    // the kernel's; 0: unknown, or the cache of threads that are ending
  std::uint32_t retained;  // empty slabs it keeps because they are the active ones of their class
  std::uint64_t large_blocks;  // large and huge blocks it was ever given
};

// What a slab's count does not know: live blocks of the slab its thread serves the class from, and
// (below zero) freed ones that wait in another thread's outbox to go home.
struct Unsettled {
  std::uint64_t slab;
  std::int64_t blocks;
};

// Which blocks of a slab's slot are free (or were never carved): a bit each, in order of address.
struct SlotBlocks {
  std::uint64_t address;
  std::uint64_t free[granules_per_slot / 64];
};

// Addresses that belong to Strata.
enum class AreaKind : std::uint32_t { slots, records, worker };
struct Area {
  std::uint64_t address;
  std::uint64_t bytes;   // reserved
  std::uint64_t usable;  // slots: committed
  std::uint64_t first;   // slots: where the first slot begins that may be handed out
  AreaKind kind;
  std::uint32_t padding;
};

struct Settings {
  std::uint64_t reserve;
  std::uint64_t dirty_limit;      // as set
  std::uint64_t dirty_limit_now;  // as it is, for what is in use
  std::uint32_t purge_delay;
  std::uint8_t eager_commit;
  std::uint8_t huge_pages;
  std::uint8_t worker;
  std::uint8_t worker_runs;
  std::uint8_t checking;  // a mode that checks serves the program
  std::uint8_t padding[7];
};

// The head of a survey's answer; arrays follow in this order, each element of fixed size.
struct Survey {
  Settings settings;
  std::uint32_t areas;
  std::uint32_t threads;
  std::uint32_t unsettled;
  std::uint32_t truncated;  // 1: there was no room for every run
  std::uint64_t runs;
};

}  // namespace strata::observe
