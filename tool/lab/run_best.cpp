// The lab's products with fit::Best.
#include "lab/runner.hpp"

namespace strata::lab {

Result run_best(const PolicyChoice& choice, const Workload& workload, const Settings& settings) {
  return run_products<fit::Best>(choice, workload, settings);
}

}  // namespace strata::lab
