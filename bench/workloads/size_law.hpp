// Size laws: how requested sizes are spread, as tables to draw from.
//
// A law is drawn 4096 times into a table once; a workload then draws from the table. That keeps the
// logarithms out of the measured loop, and 16 KiB of table stays in the first-level cache's reach.
// Real programs ask mostly for less than 100 bytes, with a thin tail; the laws differ in the tail.
#pragma once

#include "workload.hpp"

namespace workloads {

class SizeLaw {
 public:
  static constexpr std::size_t entries = 4096;

  // Of real programs: 60% to 64 bytes, 25% to 256, 10% to 1 KiB, 4% to 4 KiB, 1% to 32 KiB.
  static SizeLaw typical() {
    return SizeLaw([](Random& random) {
      const double u = random.unit();
      if (u < 0.60) return logarithmic_in(random, 16, 64);
      if (u < 0.85) return logarithmic_in(random, 64, 256);
      if (u < 0.95) return logarithmic_in(random, 256, 1024);
      if (u < 0.99) return logarithmic_in(random, 1024, 4096);
      return logarithmic_in(random, 4096, 32768);
    });
  }
  // Every size in [least, most] equally likely: visits all size classes.
  static SizeLaw uniform(std::size_t least, std::size_t most) {
    return SizeLaw([=](Random& random) { return least + random.below(most - least + 1); });
  }
  // Every power of two equally likely: the bytes are in the large blocks.
  static SizeLaw logarithmic(std::size_t least, std::size_t most) {
    return SizeLaw([=](Random& random) { return logarithmic_in(random, least, most); });
  }
  // P(size > s) = (s / 16)^-1.1 up to 1 MiB: a heavy tail, with rare large blocks among small ones.
  static SizeLaw power() {
    return SizeLaw([](Random& random) {
      const double size = 16 * std::pow(1 - random.unit(), -1 / 1.1);
      return size > 1048576 ? std::size_t{1048576} : std::size_t(size);
    });
  }

  std::size_t draw(Random& random) const { return table_[random.next() >> 52]; }

 private:
  template <class Draw>
  explicit SizeLaw(Draw draw) {
    Random random(77);
    for (std::uint32_t& size : table_) size = std::uint32_t(draw(random));
  }
  static std::size_t logarithmic_in(Random& random, double least, double most) {
    return std::size_t(least * std::exp(random.unit() * std::log(most / least)));
  }

  std::uint32_t table_[entries];
};

}  // namespace workloads
