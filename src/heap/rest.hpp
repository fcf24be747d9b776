// Rest: whether something has been left alone, as seen by those who keep asking.
//
// A use is counted; a question compares the count with the one that the last question found. So the
// measure of time is the questions themselves, and neither side looks at a clock.
#pragma once

#include <cstdint>

namespace strata {

class Rest {
 public:
  void use() noexcept { ++uses_; }

  // Whether this has been asked more than `times` times since the last use.
  bool lasts(std::uint32_t times) noexcept {
    if (uses_ != seen_) {
      seen_ = uses_;
      asked_ = 0;
    }
    if (asked_ <= times) ++asked_;
    return asked_ > times;
  }

 private:
  std::uint16_t uses_ = 0;
  std::uint16_t seen_ = 0;
  std::uint32_t asked_ = 0;
};

}  // namespace strata
