// CpuTag: which blocks belong to a CPU, and how it lets go of all of them at once.
//
// A block belongs to the CPU whose tag it bears (FrameBlock::owner); that CPU turns the bits of its
// frames by OutWord's short way. A CPU that wants a block may give it its own tag, under the lane's
// lock, once the tag on it is nobody's any more; until then it takes the long way, and asks.
//
//     tag_    own CPU, never inside get() or put()'s turning of a bit: release, so that what it
//             wrote by the short way is seen by who finds the tag gone (acquire)
//     asked_  set by others, cleared by the own CPU; relaxed: a hint
//
// A tag is a CPU's number + 1, and another multiple of the number of CPUs at each change. So a CPU
// that frees what it took long ago, from any block, does so without a locked instruction, and a CPU
// that drains its magazine, or is asked to, leaves every block to the others by one store.
// tests/protocol/out_word_test.cpp runs a block's change of hands under every interleaving.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace strata {

template <unsigned cpus, template <class> class Word = Atomic>
class CpuTagOf {
 public:
  static constexpr unsigned cpu_of(std::uint32_t tag) noexcept { return (tag - 1) % cpus; }

  void start(unsigned cpu) noexcept { tag_.store(cpu + 1, Order::relaxed); }

  // ---- for the own CPU ----
  [[nodiscard]] std::uint32_t now() const noexcept { return tag_.load(Order::relaxed); }
  // From now on no block is this CPU's.
  void change() noexcept {
    const std::uint32_t tag = now();
    const bool last = tag > ~std::uint32_t{0} - cpus;
    tag_.store(last ? cpu_of(tag) + 1 : tag + cpus, Order::release);
  }
  // Changes if somebody asked.
  void answer() noexcept {
    if (!asked_.load(Order::relaxed)) return;
    asked_.store(false, Order::relaxed);
    change();
  }

  // ---- for everybody ----
  // Whether this CPU still goes by that tag.
  [[nodiscard]] bool is(std::uint32_t tag) const noexcept {
    return tag_.load(Order::acquire) == tag;
  }
  void ask() noexcept {
    if (!asked_.load(Order::relaxed)) asked_.store(true, Order::relaxed);
  }

 private:
  Word<std::uint32_t> tag_;
  Word<bool> asked_;
};

}  // namespace strata
