// Makes the plan of one process of a trace.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replay/plan.hpp"
#include "replay/result.hpp"
#include "trace/history.hpp"

namespace strata::replay {

struct Plan {
  int file = -1;  // an unnamed file
  TraceFigures figures;
  std::vector<Point> asked;  // bytes alive at the end of each epoch

  Plan() = default;
  ~Plan();
  Plan(Plan&& other) noexcept;
  Plan& operator=(Plan&& other) noexcept;
};

// Throws trace::TraceError when the trace is damaged, std::system_error when there is no room for
// the plan. `progress` is told how much is done, 0 to 1.
Plan build_plan(const trace::TraceFile& trace, const trace::ProcessInTrace& process,
                const std::function<void(double)>& progress);

}  // namespace strata::replay
