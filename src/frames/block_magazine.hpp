// BlockMagazine: a CPU's few whole blocks (2 MiB frames), which other CPUs may take away.
//
//     slot   filled by            emptied by
//     block  its own CPU (store,  anybody (exchange, acquire): whoever gets the pointer has
//            release)             the block
//     empty  -                    -
//
// Sixteen blocks are 32 MiB, too much to be out of reach of the others: a request that would be
// refused takes back what stands in all CPUs' slots first (FrameStore::take_back_blocks). Only the
// own CPU fills slots, and a slot that it sees empty stays so, so filling one needs no locked
// instruction. Release and acquire pass on what was written about the block by who had it before.
//
// `count_` is the own CPU's: every filled slot stands below it; some below it may be empty, because
// others emptied them. tests/protocol/whole_block_test.cpp runs every interleaving.
#pragma once

#include "base/atomic.hpp"
#include "base/units.hpp"

namespace strata {

template <class Block, template <class> class Word = Atomic>
class alignas(cache_line) BlockMagazineOf {
 public:
  static constexpr unsigned size = 16;
  static constexpr unsigned batch = size / 2;

  // ---- for the own CPU ----

  // A block, or nullptr when there is none.
  Block* take() noexcept {
    while (count_ != 0) {
      if (Block* block = take_away(--count_)) return block;
    }
    return nullptr;
  }
  [[nodiscard]] bool full() const noexcept { return count_ == size; }
  // Only while not full.
  void put(Block* block) noexcept { slots_[count_++].store(block, Order::release); }
  // Empties the slots from `from` on; returns how many blocks came out.
  unsigned empty(Block** into, unsigned from) noexcept {
    unsigned got = 0;
    for (unsigned slot = from; slot < count_; ++slot) {
      if (Block* block = take_away(slot)) into[got++] = block;
    }
    if (count_ > from) count_ = from;
    return got;
  }

  // ---- for everybody ----

  // The block of the slot, or nullptr.
  Block* take_away(unsigned slot) noexcept {
    if (slots_[slot].load(Order::relaxed) == nullptr) return nullptr;
    return slots_[slot].exchange(nullptr, Order::acquire);
  }
  // Exact while nobody takes or puts.
  [[nodiscard]] unsigned blocks() const noexcept {
    unsigned sum = 0;
    for (const auto& slot : slots_) sum += slot.load(Order::relaxed) != nullptr ? 1 : 0;
    return sum;
  }

 private:
  unsigned count_ = 0;
  Word<Block*> slots_[size];
};

}  // namespace strata
