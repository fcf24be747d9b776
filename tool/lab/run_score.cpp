// The lab's products with fit::Score<>.
#include "lab/runner.hpp"

namespace strata::lab {

Result run_score(const PolicyChoice& choice, const Workload& workload, const Settings& settings) {
  return run_products<fit::Score<>>(choice, workload, settings);
}

}  // namespace strata::lab
