// Random: unpredictable numbers for one thread. A ChaCha keystream of 8 rounds, drawn 256 bytes at
// a time and used byte by byte; every draw replaces the key, so that what was drawn before the last
// 256 cannot be computed from what is in memory. About 8 instructions a byte in the mean.
#pragma once

#include "base/attributes.hpp"
#include "base/units.hpp"

namespace strata::harden {

class Random {
 public:
  struct Seed {
    std::uint32_t key[8];
    std::uint32_t nonce[4];
  };
  void start(const Seed& seed) noexcept;

  // 0 to 255, all equally likely.
  STRATA_INLINE unsigned byte() noexcept {
    if (STRATA_UNLIKELY(is_used_up())) refill();
    return drawn_byte();
  }
  // The same in two steps, for callers that must not call anything in between.
  [[nodiscard]] bool is_used_up() const noexcept { return used_ == sizeof buffer_; }
  STRATA_INLINE unsigned drawn_byte() noexcept { return buffer_[used_++]; }
  STRATA_NOINLINE void refill() noexcept;
  // In [0, bound), bound at most 65536. A bound that is no power of two makes some numbers
  // likelier, by less than 1 in 16 where it is below 4096.
  STRATA_INLINE unsigned below(unsigned bound) noexcept {
    const unsigned drawn = byte() << 8 | byte();
    return unsigned(std::uint64_t{drawn} * bound >> 16);
  }
  void fill(void* memory, size_t bytes) noexcept;

 private:
  unsigned used_ = 0;
  alignas(16) unsigned char buffer_[256] = {};
  Seed seed_ = {};
};

}  // namespace strata::harden
