// The walk over the heap that answers are made of, and what has been counted since the start.
//
// Callable from a thread that has no thread-local storage. Takes the registry's, the huge table's
// and the supply's locks; O(runs of slots); allocates nothing.
#pragma once

#include "observe/board.hpp"

namespace strata::observe {

// Where an answer is written: what does not fit is left out and noted.
class Sheet {
 public:
  Sheet(Address memory, size_t bytes) noexcept : memory_(memory), bytes_(bytes) {}

  template <class T>
  bool put(const T& item) noexcept {
    if (bytes_ - used_ < sizeof(T)) return false;
    __builtin_memcpy(reinterpret_cast<void*>(memory_ + used_), &item, sizeof(T));
    used_ += sizeof(T);
    return true;
  }
  [[nodiscard]] size_t used() const noexcept { return used_; }

 private:
  Address memory_;
  size_t bytes_;
  size_t used_ = 0;
};

// An upper bound of what survey() writes now.
size_t survey_bound() noexcept;
void survey(Sheet& sheet) noexcept;

// Which blocks of the slabs in [from, to) are free: a SlotBlocks for each slot, of so many at most.
constexpr size_t blocks_bound = most_slots_of_blocks * sizeof(SlotBlocks);
void show_blocks(Sheet& sheet, Address from, Address to) noexcept;

// Fills `totals`; what happened before the process's own start (in the parent of a fork) is left
// out.
void add_up(Totals& totals) noexcept;
// In the child of a fork: from here on it counts for itself.
void start_counting_anew() noexcept;

// A request was answered with null. Any thread.
void note_refusal() noexcept;

}  // namespace strata::observe
