// Every product of fit::First, on the compact layout served from the start and on pointers from the
// end.
#include "product_test.hpp"

namespace strata::testing {
namespace {

TEST(RegionProduct, first_fit_keeps_every_promise_on_compact) {
  for_each_product<fit::First, TestBase<layout::Compact<>, Serve::from_start>>("compact");
}
TEST(RegionProduct, first_fit_keeps_every_promise_on_pointers) {
  for_each_product<fit::First, TestBase<layout::Pointers<>, Serve::from_end>>("pointers");
}

}  // namespace
}  // namespace strata::testing
