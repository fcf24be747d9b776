// OutWord: which of 64 frames are handed out, without a locked instruction for the CPU that the
// block belongs to.
//
//     handed out = mine ^ others
//
// `mine` is written by one CPU alone, the one whose block it is (cpu_tag.hpp): it loads and stores.
// `others` is written by everybody else (CPUs that free what that one allocated, runs, a block that
// is nobody's), by compare and swap. So two CPUs never write the same word blindly, and
// a frame changes its state by turning its bit in either.
//
// Each change says which state it expects. Freeing a frame that is not out is found there, except
// when the block's own CPU and another one free the same frame in the same few instructions: then
// both may see it out. The two turns cancel each other, so the frame still counts as handed out,
// and whoever takes it out of a magazine next finds that (tests/protocol/out_word_test.cpp runs
// every interleaving).
//
// Relaxed throughout: who passes a frame on to another CPU orders what it did to it.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"
#include "base/attributes.hpp"

namespace strata {

template <class Word = Atomic<std::uint64_t>>
class OutWordOf {
 public:
  // Ones: handed out.
  [[nodiscard]] std::uint64_t bits() const noexcept {
    return mine_.load(Order::relaxed) ^ others_.load(Order::relaxed);
  }

  // Turns one frame's bit to `out`. False, and nothing has changed, when it is so already.
  // `own`: the caller is the CPU that the block belongs to.
  STRATA_INLINE bool turn(std::uint64_t bit, bool out, bool own) noexcept {
    if (built_small || !own) return turn_all(bit, out);
    const std::uint64_t mine = mine_.load(Order::relaxed);
    const bool is_out = ((mine ^ others_.load(Order::relaxed)) & bit) != 0;
    if (is_out == out) return false;
    mine_.store(mine ^ bit, Order::relaxed);
    return true;
  }

  // The same for a set of frames by a CPU that the block does not belong to: all of them or none.
  bool turn_all(std::uint64_t set, bool out) noexcept {
    std::uint64_t others = others_.load(Order::relaxed);
    for (;;) {
      const std::uint64_t now = mine_.load(Order::relaxed) ^ others;
      if ((now & set) != (out ? 0 : set)) return false;
      if (others_.compare_exchange(others, others ^ set, Order::relaxed)) return true;
    }
  }

  // The same for all 64: nobody else may change any of them, so no lock is needed.
  bool turn_whole(bool out) noexcept {
    const std::uint64_t others = others_.load(Order::relaxed);
    const std::uint64_t now = mine_.load(Order::relaxed) ^ others;
    if (now != (out ? 0 : ~std::uint64_t{0})) return false;
    others_.store(~others, Order::relaxed);
    return true;
  }

 private:
  Word mine_;
  Word others_;
};

using OutWord = OutWordOf<>;

}  // namespace strata
