// Rest: whether something has been left alone, as seen by those who keep asking.
//
// A use is counted; a question compares the count with the one that the last question found. The
// measure of time is the questions themselves, or the clock of those who ask.
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

  // Whether the last use was seen `time` milliseconds ago, or earlier.
  bool lasts_for(std::uint32_t time, std::uint32_t now) noexcept {
    if (uses_ != seen_) {
      seen_ = uses_;
      since_ = now;
    }
    return now - since_ >= time;
  }

 private:
  std::uint16_t uses_ = 0;
  std::uint16_t seen_ = 0;
  union {
    std::uint32_t asked_ = 0;  // lasts()
    std::uint32_t since_;      // lasts_for()
  };
};

}  // namespace strata
