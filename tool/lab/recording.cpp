// A recorded program as the lab's workload.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "lab/workload.hpp"
#include "trace/history.hpp"

namespace strata::lab {

Workload from_recording(const std::string& path) {
  const trace::TraceFile file(path);
  const trace::ProcessInTrace* const process = file.largest();
  if (process == nullptr) throw std::runtime_error(fmt::format("{}: no events", path));
  Workload workload;
  workload.name = fmt::format("{} ({})", path, process->name());
  workload.events.reserve(process->events);
  trace::History history(file, *process);
  while (const std::optional<trace::Step> step = history.next()) {
    Event event{EventKind::free, step->block, std::max<std::uint64_t>(1, step->size), 0};
    switch (step->kind) {
      case trace::StepKind::allocate:
        event.kind = EventKind::allocate;
        if (step->origin == trace::Kind::aligned) {
          event.kind = EventKind::allocate_aligned;
          event.alignment = std::uint32_t{1} << std::min<unsigned>(step->alignment_log2, 31);
        }
        break;
      case trace::StepKind::reallocate:
        event.kind = EventKind::reallocate;
        break;
      case trace::StepKind::free:
        event.size = 0;
        break;
      case trace::StepKind::thread_end:
        continue;
    }
    workload.events.push_back(event);
  }
  workload.slots = history.numbers();
  measure(workload);
  return workload;
}

}  // namespace strata::lab
