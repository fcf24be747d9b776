// What the lab finds out about one product of policies on one workload.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/workload.hpp"
#include "region/chooser.hpp"

namespace strata::lab {

struct Settings {
  std::uint64_t memory = 0;       // of the region; 0: chosen from the workload
  std::uint64_t check_every = 0;  // operations between full checks; 0: only at the end
  unsigned repeats = 3;           // timed runs, of which the least counts
  unsigned instruction_samples = 100;
  unsigned snapshots = 96;                               // of the blocks, over the run
  std::function<void(double)> progress = [](double) {};  // 0 to 1 within one product
};

// The region at one moment.
struct Snapshot {
  std::uint64_t operation;
  std::uint64_t live_bytes;       // requested by the user and alive
  std::uint64_t footprint_bytes;  // highest byte in use so far
  std::uint64_t free_blocks;
  std::vector<std::uint8_t> cells;  // used share of equal parts of the final footprint, 0 to 255
};

struct Result {
  PolicyChoice choice;
  std::uint64_t operations = 0;
  double nanoseconds = 0;              // per operation, least of the repeats
  double worst_nanoseconds = 0;        // of a single operation; with the noise of the machine
  std::optional<double> instructions;  // per sampled operation, exact
  std::optional<std::uint64_t> worst_instructions;
  std::uint64_t peak_live_bytes = 0;
  std::uint64_t peak_used_bytes = 0;
  std::uint64_t footprint_bytes = 0;
  double fragmentation_end = 0;   // 1 - live requested bytes / footprint, at the end
  double fragmentation_peak = 0;  // 1 - most live requested bytes / footprint
  double mean_search = 0;
  std::uint64_t longest_search = 0;
  std::uint64_t refused = 0;  // requests that found no memory
  std::uint64_t failed_checks = 0;
  std::string failure;  // of the first failed check, with its operation
  std::vector<Snapshot> snapshots;
};

// Runs the workload over the product. One per fit, each in its own file.
Result run_first(const PolicyChoice&, const Workload&, const Settings&);
Result run_best(const PolicyChoice&, const Workload&, const Settings&);
Result run_next(const PolicyChoice&, const Workload&, const Settings&);
Result run_good(const PolicyChoice&, const Workload&, const Settings&);
Result run_score(const PolicyChoice&, const Workload&, const Settings&);

inline Result run(const PolicyChoice& choice, const Workload& workload, const Settings& settings) {
  switch (choice.fit) {
    case FitKind::first:
      return run_first(choice, workload, settings);
    case FitKind::best:
      return run_best(choice, workload, settings);
    case FitKind::next:
      return run_next(choice, workload, settings);
    case FitKind::score:
      return run_score(choice, workload, settings);
    default:
      return run_good(choice, workload, settings);
  }
}

}  // namespace strata::lab
