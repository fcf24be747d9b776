// The lab's products with fit::Next.
#include "lab/runner.hpp"

namespace strata::lab {

Result run_next(const PolicyChoice& choice, const Workload& workload, const Settings& settings) {
  return run_products<fit::Next>(choice, workload, settings);
}

}  // namespace strata::lab
