// The lab's products with fit::Good.
#include "lab/runner.hpp"

namespace strata::lab {

Result run_good(const PolicyChoice& choice, const Workload& workload, const Settings& settings) {
  return run_products<fit::Good>(choice, workload, settings);
}

}  // namespace strata::lab
