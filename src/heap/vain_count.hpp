// VainCount: whether something that is sometimes done in vain is worth doing, told by the last times.
//
// Where most were in vain it is still tried once of sixteen times: things may have changed. Each try
// that is in vain too makes tries half as frequent, down to one of 16 << most_delay, and each that is
// not makes them twice as frequent.
//
// Thread-safe; a count that two threads change at once may lose one of the changes.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace strata {

template <std::uint32_t most_delay>
class VainCount {
 public:
  void done() noexcept {
    const std::uint32_t delay = delay_.load(Order::relaxed);
    if (delay != 0) delay_.store(delay - 1, Order::relaxed);
    const std::uint32_t done = done_.load(Order::relaxed) + 1;
    done_.store(done, Order::relaxed);
    if (done < most) return;
    done_.store(done / 2, Order::relaxed);
    in_vain_.store(in_vain_.load(Order::relaxed) / 2, Order::relaxed);
  }
  // One that was done turns out to have been for nothing.
  void in_vain() noexcept {
    const std::uint32_t delay = delay_.load(Order::relaxed) + 2;  // done() took one
    delay_.store(delay < most_delay ? delay : most_delay, Order::relaxed);
    const std::uint32_t count = in_vain_.load(Order::relaxed);
    if (count < most) in_vain_.store(count + 1, Order::relaxed);
  }
  bool is_worth_it() noexcept {
    if (2 * in_vain_.load(Order::relaxed) <= done_.load(Order::relaxed) + few) return true;
    const std::uint32_t asked = asked_.load(Order::relaxed) + 1;
    asked_.store(asked, Order::relaxed);
    return asked % (tried_of << delay_.load(Order::relaxed)) == 0;
  }

 private:
  static constexpr std::uint32_t most = 64;
  static constexpr std::uint32_t few = 8;
  static constexpr std::uint32_t tried_of = 16;

  Atomic<std::uint32_t> done_;
  Atomic<std::uint32_t> in_vain_;
  Atomic<std::uint32_t> asked_;
  Atomic<std::uint32_t> delay_;  // as a power of two
};

}  // namespace strata
