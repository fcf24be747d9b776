// The lab's checks: a product whose index goes wrong is found, and the operation is named.
#include <gtest/gtest.h>

#include "lab/runner.hpp"
#include "lab/workload.hpp"

namespace strata::lab {
namespace {

// First fit that no longer passes its check once it was asked 500 times.
struct GoesWrong {
  template <class Tags, unsigned>
  struct Index : fit::FirstIndex<Tags> {
    using Right = fit::FirstIndex<Tags>;
    using Span = typename Tags::Span;
    int asked = 0;
    Span find(Tags& tags, size_t units, bool joining, size_t* looked_at) noexcept {
      ++asked;
      return Right::find(tags, units, joining, looked_at);
    }
    bool check(Tags& tags, bool apart) noexcept { return asked < 500 && Right::check(tags, apart); }
  };
};

Result run(std::uint64_t check_every) {
  const Workload workload = synthetic("mixed", 5000, 1, 100);
  Settings settings;
  settings.check_every = check_every;
  settings.instruction_samples = 0;
  settings.repeats = 1;
  return run_products<GoesWrong>({}, workload, settings);
}

TEST(LabChecks, a_failed_check_names_the_first_checked_operation_after_it) {
  const Result result = run(100);
  EXPECT_EQ(result.failed_checks, 1U);
  EXPECT_EQ(result.failure, "check failed after operation 1000: links damaged");
}
TEST(LabChecks, without_any_on_the_way_the_end_is_checked) {
  EXPECT_EQ(run(0).failure, "check failed after operation 5000: links damaged");
}

}  // namespace
}  // namespace strata::lab
