// WholeMark: that a block is handed out as one, a 2 MiB frame, said in one word instead of 512 bits.
//
//     state     means                                    left by
//     bits      each frame's bit says whether it is out   mark(): who took the whole block (store)
//     whole     all are out; the bits are clear           clear(): who frees it as one (CAS)
//                                                         split(): who frees a part of it (CAS)
//     splitting somebody is setting the bits              that one (store, release)
//
// The two that leave `whole` exclude each other by their compare and swap, so freeing a block twice
// is found there and then, by two CPUs at once too. Who frees a part and finds its bits clear calls
// split() and looks again: `bits` read with acquire shows the bits that a splitter set. A splitter
// has interrupts off or a lock, as everybody in put() and free(); others wait for 8 stores.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace strata {

template <template <class> class Word = Atomic>
class WholeMarkOf {
 public:
  [[nodiscard]] bool whole() const noexcept { return state_.load(Order::acquire) != bits; }

  // By who has all frames of the block. Relaxed: passing the block on orders it.
  void mark() noexcept { state_.store(marked, Order::relaxed); }

  // The block comes back as one. False: it is not out as one.
  bool clear() noexcept {
    std::uint8_t expected = marked;
    return state_.load(Order::relaxed) == marked &&
           state_.compare_exchange(expected, bits, Order::relaxed);
  }

  // Afterwards the bits tell. `set_bits()` sets all of them; at most one caller is asked to.
  template <class SetBits>
  void split(SetBits&& set_bits) noexcept {
    std::uint8_t now = state_.load(Order::acquire);
    while (now != bits) {
      if (now == splitting) {
        wait();
        now = state_.load(Order::acquire);
      } else if (state_.compare_exchange(now, splitting, Order::acquire)) {
        set_bits();
        state_.store(bits, Order::release);
        return;
      }
    }
  }

 private:
  static constexpr std::uint8_t bits = 0;
  static constexpr std::uint8_t marked = 1;
  static constexpr std::uint8_t splitting = 2;

  void wait() noexcept {
    if constexpr (requires { state_.wait(); }) {
      state_.wait();  // in a test
    } else {
      cpu_relax();
    }
  }
  Word<std::uint8_t> state_;
};

using WholeMark = WholeMarkOf<>;

}  // namespace strata
