// The life of one process's blocks, in one order for all its threads.
//
// A trace holds each thread's events in that thread's order, with addresses. Here they are merged
// by time and the addresses become blocks. Blocks are named by small numbers that are used again,
// so a reader can keep what it knows of them in arrays.
//
// Times order the events of different threads rightly, because the recorder reads the clock before
// a block is given back and after one was obtained. Should a clock have been astray, an event that
// cannot be (a block obtained where one lives, or freed where none does) waits a little for the
// other threads to make it possible; if none does, it is taken as what it says, and counted.
#pragma once

#include <deque>
#include <optional>
#include <queue>
#include <unordered_map>

#include "trace/reader.hpp"

namespace strata::trace {

enum class StepKind : std::uint8_t { allocate, reallocate, free, thread_end };

struct Step {
  StepKind kind = StepKind::allocate;
  Kind origin = Kind::malloc;  // of `allocate`: malloc, calloc or aligned
  std::uint8_t alignment_log2 = 0;
  std::uint32_t thread = 0;  // index in the process's list of threads
  std::uint32_t block = 0;   // a number that no other living block has
  std::uint64_t time = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;      // new one
  std::uint64_t old_size = 0;  // of `reallocate` and `free`
  std::uint64_t site = 0;      // of the call, if the trace has it
};

// What did not fit, and was left out or mended.
struct Oddities {
  std::uint64_t refused = 0;        // requests that found no memory
  std::uint64_t unknown_frees = 0;  // of blocks from before the recording, or of a parent's
  std::uint64_t unseen_frees = 0;   // a block obtained where one lived: its end was not recorded
  std::uint64_t events_waited = 0;  // clocks astray
};

class History {
 public:
  History(const TraceFile& file, const ProcessInTrace& process);

  // The next step; nothing at the end. Throws TraceError when the trace is damaged.
  std::optional<Step> next();

  [[nodiscard]] const Oddities& oddities() const { return oddities_; }
  // Blocks that are alive, and the most numbers that were in use at once.
  [[nodiscard]] std::uint64_t living() const { return alive_.size(); }
  [[nodiscard]] std::uint32_t numbers() const { return numbers_; }

 private:
  struct Block {
    std::uint32_t number;
    std::uint64_t size;
  };
  // A block that realloc has taken and not yet returned. Signal handlers may nest them.
  struct Moving {
    std::uint64_t from;
    std::optional<Block> block;  // nothing: it is not known
  };
  struct Thread {
    TraceFile::Thread source;
    std::vector<Event> events;
    std::size_t at = 0;
    unsigned waits = 0;      // of the event that is next
    std::uint64_t site = 0;  // for the next event
    std::vector<Moving> moving;
  };
  // When a thread is next, and which one.
  using Turn = std::pair<std::uint64_t, std::uint32_t>;

  bool refill(Thread& thread);
  void schedule(std::uint32_t index, std::uint64_t not_before = 0);
  // Whether the event can be now, as far as blocks tell.
  [[nodiscard]] bool can_be(const Event& event) const;
  std::optional<Step> apply(std::uint32_t index, const Event& event);
  std::optional<Step> obtain(Step step, const Event& event);
  std::optional<Step> give_back(Step step, std::uint64_t address);
  void begin_move(Thread& thread, std::uint64_t address);
  std::optional<Step> end_move(Thread& thread, Step step, const Event& event);
  std::optional<Step> refuse(Thread& thread, Step step, const Event& event);
  // Ends the block that lives where another one has been obtained, and has `next` follow.
  Step end_unseen(Step next, const Block& block);
  std::uint32_t new_number();

  std::vector<Thread> threads_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  std::unordered_map<std::uint64_t, Block> alive_;  // by address
  std::vector<std::uint32_t> spare_numbers_;
  std::uint32_t numbers_ = 0;
  std::optional<Step> pending_;  // what comes after a free that was made up
  Oddities oddities_;
};

}  // namespace strata::trace
