// Every product of fit::Good, on the compact layout served from the start and on pointers from the
// end.
#include "product_test.hpp"

namespace strata::testing {
namespace {

TEST(RegionProduct, good_fit_keeps_every_promise_on_compact) {
  for_each_product<fit::Good, TestBase<layout::Compact<>, Serve::from_start>>("compact");
}
TEST(RegionProduct, good_fit_keeps_every_promise_on_pointers) {
  for_each_product<fit::Good, TestBase<layout::Pointers<>, Serve::from_end>>("pointers");
}

}  // namespace
}  // namespace strata::testing
