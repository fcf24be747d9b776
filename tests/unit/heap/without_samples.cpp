// In this program no block lies between guard pages by chance: its tests count blocks exactly.
#include <gtest/gtest.h>

#include "harden/guard_samples.hpp"

namespace {

class WithoutSamples : public testing::Environment {
  void SetUp() override { strata::harden::sample_guards(0); }
};

const testing::Environment* const without_samples =
    testing::AddGlobalTestEnvironment(new WithoutSamples);

}  // namespace
