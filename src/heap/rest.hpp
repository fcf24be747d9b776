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
      since_ = 0;
    }
    if (since_ <= times) ++since_;
    return since_ > times;
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
  std::uint32_t since_ = 0;  // the last use: questions, for lasts(), or when it was seen
};

}  // namespace strata
