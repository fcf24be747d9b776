// All sequences of operations to depth 6 on a region of a few granules, for every fit and
// coalescing.
//
// What random programs find late, small regions show early: with 12 granules every edge case of
// splitting, joining and refusing lies within six operations.
#include <gtest/gtest.h>

#include "oracle.hpp"
#include "region/chooser.hpp"

namespace strata::testing {
namespace {

// Four slots; each step frees the slot or fills it with one of three sizes, reallocates, resizes,
// takes aligned or from the end, or frees twice. Bytes as Oracle reads them.
const std::vector<std::vector<std::uint8_t>>& steps() {
  static const std::vector<std::vector<std::uint8_t>> all = {
      {0x00, 12, 0}, {0x10, 40, 0},    {0x20, 12, 0}, {0x30, 90, 0}, {0x09, 60, 0},
      {0x1a, 30, 0}, {0x2b, 6, 20, 0}, {0x3c, 20, 0}, {0x0d},
  };
  return all;
}

template <class Policy>
void all_sequences(unsigned depth) {
  alignas(64) static char memory[256];
  const std::size_t kinds = steps().size();
  std::size_t total = 1;
  for (unsigned i = 0; i < depth; ++i) total *= kinds;
  std::vector<std::uint8_t> program;
  for (std::size_t n = 0; n < total; ++n) {
    program.clear();
    for (std::size_t i = 0, rest = n; i < depth; ++i, rest /= kinds) {
      const auto& step = steps()[rest % kinds];
      program.insert(program.end(), step.begin(), step.end());
    }
    Region<Policy> region(memory, sizeof memory);
    Oracle oracle(region, memory, sizeof memory, depth);
    const std::string wrong = oracle.run(Bytes(program.data(), program.size()));
    if (!wrong.empty()) {
      FAIL() << wrong << " in sequence " << n;
      return;
    }
  }
}

template <class Fit, class Coalesce>
using Small = ProductPolicy<Fit, Coalesce, freeing::Immediate, provision::Lazy>;

// Depth 6 is 531 441 programs a policy.
TEST(RegionExhaustive, good_fit_to_depth_6) {
  all_sequences<Small<fit::Good, coalesce::AtOnce>>(6);
}
TEST(RegionExhaustive, best_fit_to_depth_6) {
  all_sequences<Small<fit::Best, coalesce::AtOnce>>(6);
}
TEST(RegionExhaustive, first_fit_to_depth_6) {
  all_sequences<Small<fit::First, coalesce::AtOnce>>(6);
}
TEST(RegionExhaustive, next_fit_to_depth_6) {
  all_sequences<Small<fit::Next, coalesce::AtOnce>>(6);
}
TEST(RegionExhaustive, score_fit_to_depth_6) {
  all_sequences<Small<fit::Score<>, coalesce::AtOnce>>(6);
}
TEST(RegionExhaustive, next_fit_joining_while_searching_to_depth_6) {
  all_sequences<Small<fit::Next, coalesce::WhileSearching>>(6);
}
TEST(RegionExhaustive, score_fit_joining_while_searching_to_depth_6) {
  all_sequences<Small<fit::Score<>, coalesce::WhileSearching>>(6);
}
TEST(RegionExhaustive, first_fit_joining_while_searching_to_depth_6) {
  all_sequences<Small<fit::First, coalesce::WhileSearching>>(6);
}
TEST(RegionExhaustive, good_fit_deferred_to_depth_6) {
  all_sequences<Small<fit::Good, coalesce::Deferred<2>>>(6);
}
TEST(RegionExhaustive, batched_frees_to_depth_6) {
  all_sequences<ProductPolicy<fit::Good, coalesce::AtOnce, freeing::Batched<2>, provision::Lazy>>(
      6);
}

}  // namespace
}  // namespace strata::testing
