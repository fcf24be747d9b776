// Runs the oracle over every product of one fit with all other policies. One file per fit includes
// this, so that they compile apart.
#pragma once

#include <gtest/gtest.h>

#include "oracle.hpp"
#include "region/chooser.hpp"

namespace strata::testing {

template <class Layout_, Serve serve_, Checks checks_ = Checks::spans>
struct TestBase : DefaultPolicy {
  using Layout = Layout_;
  static constexpr Serve serve = serve_;
  static constexpr Checks checks = checks_;
};

template <class Policy>
void random_programs_keep_every_promise(const char* name) {
  alignas(64) static char memory[16384];
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Region<Policy> region(memory, sizeof memory);
    ASSERT_EQ(region.last_error(), RegionError::none);
    const auto program = random_program(seed, 3000);
    Oracle oracle(region, memory, sizeof memory, 7);
    ASSERT_EQ(oracle.run(Bytes(program.data(), program.size())), "") << name << " seed " << seed;
  }
}

template <class Fit, class Base>
void for_each_product(const char* base) {
  const auto run = [&]<class C, class R, class V>() {
    const std::string name =
        std::string(base) + " " + Fit::name + " " + C::name + " " + R::name + " " + V::name;
    random_programs_keep_every_promise<ProductPolicy<Fit, C, R, V, Base>>(name.c_str());
  };
  const auto frees = [&]<class C>() {
    run.template operator()<C, freeing::Immediate, provision::Lazy>();
    run.template operator()<C, freeing::Batched<8>, provision::Lazy>();
    run.template operator()<C, freeing::Background<8>, provision::Lazy>();
    run.template operator()<C, freeing::Immediate, provision::Eager>();
    run.template operator()<C, freeing::Batched<8>, provision::Eager>();
    run.template operator()<C, freeing::Background<8>, provision::Eager>();
  };
  frees.template operator()<coalesce::AtOnce>();
  frees.template operator()<coalesce::Deferred<8>>();
  frees.template operator()<coalesce::WhileSearching>();
}

}  // namespace strata::testing
