// Conversation: asks an observed process about its heap, over its board (src/observe/board.hpp).
//
// Everything the process writes is taken as a claim: counts are checked against the bytes that
// came. Trouble says what is wrong in words: not under Strata, not observed, another user's,
// stopped, ended or replaced while it was asked.
#pragma once

#include <string>
#include <vector>

#include "observe/board.hpp"
#include "observe/process.hpp"

namespace strata::tool {

// A process's answer, as it came.
struct HeapView {
  observe::Totals totals{};
  observe::Settings settings{};
  std::vector<observe::Area> areas;
  std::vector<observe::Thread> threads;
  std::vector<observe::Run> runs;  // huge blocks first, the others in order of address by range
  bool truncated = false;
};

// One process's slice of a board's file.
class Slice {
 public:
  // Takes over the file's descriptor if `owns`. Trouble when there is no board at that place.
  Slice(int file, std::uint64_t start, bool owns);
  ~Slice();
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;

  [[nodiscard]] const observe::Board& board() const { return *board_; }
  [[nodiscard]] bool has_ended() const { return board_->ended.load(Order::acquire) != 0; }
  [[nodiscard]] std::string last_words() const;
  // Waits until the process has answered, for at most `milliseconds`. False when it has not:
  // `alive` is asked now and then and may throw.
  template <class Alive>
  bool ask(observe::Question question, unsigned milliseconds, Alive&& alive,
           std::uint64_t first = 0, std::uint64_t second = 0) {
    if (!lock(milliseconds)) return false;
    arguments_[0] = first;
    arguments_[1] = second;
    try {
      if (ring(question, milliseconds, alive)) return true;
    } catch (...) {
      unlock();
      throw;
    }
    unlock();
    return false;
  }
  // After ask(survey): the answer, which is then gone from the file. Or let it be and unlock().
  HeapView take_survey();
  observe::Totals take_totals();
  std::vector<observe::SlotBlocks> take_blocks();
  observe::Verdict take_verdict();
  void unlock();
  [[nodiscard]] int file() const { return file_; }
  [[nodiscard]] std::uint64_t start() const { return start_; }

 private:
  bool lock(unsigned milliseconds);
  bool is_answered(unsigned milliseconds);
  void put_question(observe::Question question);
  template <class Alive>
  bool ring(observe::Question question, unsigned milliseconds, Alive&& alive);
  std::string take_answer();

  int file_;
  std::uint64_t start_;
  bool owns_;
  std::uint64_t arguments_[2] = {};
  observe::Board* board_ = nullptr;
};

class Conversation {
 public:
  explicit Conversation(Process& process);

  HeapView survey();
  observe::Totals totals();
  // Single blocks of the slabs whose slots lie in [from, to): as far as one answer goes, which is
  // most_slots_of_blocks slots.
  std::vector<observe::SlotBlocks> blocks(std::uint64_t from, std::uint64_t to);
  // The heap profile on, with one sample in `mean` bytes; 0: off. Trouble when that is refused.
  void switch_profile(std::uint64_t mean);
  // Where it can be read: a file of shared memory, and the place in it.
  [[nodiscard]] int file() const { return slice_.file(); }
  [[nodiscard]] std::uint64_t profile_offset() const {
    return slice_.start() + observe::profile_offset;
  }
  // Totals, and from now on estimates of what is allocated: for so many milliseconds, then no more.
  observe::Totals estimate(std::uint64_t mean, std::uint64_t milliseconds);
  [[nodiscard]] const observe::Board& board() const { return slice_.board(); }
  [[nodiscard]] Process& process() const { return process_; }

 private:
  void ask(observe::Question question, std::uint64_t first = 0, std::uint64_t second = 0);
  void check_alive() const;

  Process& process_;
  pid_t observer_ = 0;  // the process's thread that answers
  Slice slice_;
};

// Why the process's heap cannot be asked, in words; empty when it can.
std::string why_not_observed(const Process& process);
// Whether the process has a thread that answers.
bool is_observed(const Process& process);
// Whether libstrata.so is mapped in it.
bool runs_under_strata(const Process& process);

template <class Alive>
bool Slice::ring(observe::Question question, unsigned milliseconds, Alive&& alive) {
  constexpr unsigned longest_pause = 20;
  // Somebody may have gone away before the answer to his question came.
  for (int round = 0; round < 2; ++round) {
    unsigned pause = 1;
    for (unsigned waited = 0; !is_answered(pause); waited += pause) {
      alive();
      if (waited >= milliseconds) return false;
      pause = pause * 2 < longest_pause ? pause * 2 : longest_pause;
    }
    if (round == 0) put_question(question);
  }
  return true;
}

}  // namespace strata::tool
