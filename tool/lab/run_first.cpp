// The lab's products with fit::First.
#include "lab/runner.hpp"

namespace strata::lab {

Result run_first(const PolicyChoice& choice, const Workload& workload, const Settings& settings) {
  return run_products<fit::First>(choice, workload, settings);
}

}  // namespace strata::lab
