// VainCount: whether something that is sometimes done in vain is worth doing, told by the last times.
//
// Thread-safe; a count that two threads change at once may lose one of the changes.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace strata {

class VainCount {
 public:
  void done() noexcept {
    const std::uint32_t done = done_.load(Order::relaxed) + 1;
    done_.store(done, Order::relaxed);
    if (done < most) return;
    done_.store(done / 2, Order::relaxed);
    in_vain_.store(in_vain_.load(Order::relaxed) / 2, Order::relaxed);
  }
  // One that was done turns out to have been for nothing.
  void in_vain() noexcept {
    const std::uint32_t count = in_vain_.load(Order::relaxed);
    if (count < most) in_vain_.store(count + 1, Order::relaxed);
  }
  // False where most were for nothing, but for one question of sixteen: things may have changed.
  bool is_worth_it() noexcept {
    if (2 * in_vain_.load(Order::relaxed) <= done_.load(Order::relaxed) + few) return true;
    const std::uint32_t asked = asked_.load(Order::relaxed) + 1;
    asked_.store(asked, Order::relaxed);
    return asked % tried_of == 0;
  }

 private:
  static constexpr std::uint32_t most = 64;
  static constexpr std::uint32_t few = 8;
  static constexpr std::uint32_t tried_of = 16;

  Atomic<std::uint32_t> done_;
  Atomic<std::uint32_t> in_vain_;
  Atomic<std::uint32_t> asked_;
};

}  // namespace strata
