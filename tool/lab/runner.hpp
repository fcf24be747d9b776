// Runs a workload over one product of policies. A template, included by one file per fit.
//
// Three kinds of runs, each over fresh memory: timed ones, without any looking; one that is
// watched, for worst times, snapshots and checks; and one that is stepped through here and there to
// count instructions.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <type_traits>

#include "lab/instructions.hpp"
#include "lab/result.hpp"
#include "platform/linux/linux_thread.hpp"
#include "region/region_worker.hpp"

namespace strata::lab {

// Pages that are given back at the end; a region's memory.
class Pages {
 public:
  explicit Pages(std::size_t bytes) : bytes_(bytes) {
    at_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
    if (at_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~Pages() { munmap(at_, bytes_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  void* at() const { return at_; }

 private:
  void* at_;
  std::size_t bytes_;
};

struct LabBase : DefaultPolicy {
  static constexpr bool count_searches = true;
};
template <class Policy>
struct WithWorker : Policy {
  using Freeing = freeing::Background<1024, FutexBell>;
  using Lock = SpinLock;
};

template <class Policy>
class Runner {
 public:
  Runner(const Workload& workload, const Settings& settings)
      : workload_(workload), settings_(settings) {
    memory_ = settings.memory;
    // Twice what is alive at most, with generous headers: no fit should refuse for fragmentation.
    if (memory_ == 0) memory_ = workload.peak_live_bytes * 2 + workload.peak_live_blocks * 64 + MiB;
    memory_ = std::min<std::uint64_t>(align_up(memory_, 64 * KiB), 4 * GiB);
  }

  Result run(const PolicyChoice& choice) {
    Result result;
    result.choice = choice;
    result.operations = workload_.events.size();
    result.peak_live_bytes = workload_.peak_live_bytes;
    result.nanoseconds = 1e300;
    for (unsigned i = 0; i < settings_.repeats; ++i) {
      result.nanoseconds = std::min(result.nanoseconds, timed());
      settings_.progress(double(i + 1) / (settings_.repeats + 2));
    }
    watched(result);
    settings_.progress(double(settings_.repeats + 1) / (settings_.repeats + 2));
    if (result.failure.empty()) counted(result);
    settings_.progress(1);
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr bool background = Policy::Freeing::by_worker();

  // Frees are done by a worker, if the product asks for one.
  struct NoWorker {
    explicit NoWorker(Region<Policy>&) {}
  };
  struct StartedWorker : RegionWorker<Region<Policy>, LinuxThread> {
    explicit StartedWorker(Region<Policy>& region)
        : RegionWorker<Region<Policy>, LinuxThread>(region) {
      if (!this->start()) throw std::runtime_error("no thread for the worker of background frees");
    }
  };
  using Worker = typename std::conditional_t<background, std::type_identity<StartedWorker>,
                                             std::type_identity<NoWorker>>::type;

  // One operation; false when the region refused.
  static bool operate(Region<Policy>& region, std::vector<void*>& blocks, const Event& event) {
    void*& block = blocks[event.slot];
    switch (event.kind) {
      case EventKind::free:
        region.free(block);
        block = nullptr;
        return true;
      case EventKind::reallocate: {
        void* moved = region.reallocate(block, event.size);
        if (moved != nullptr) block = moved;
        return moved != nullptr;
      }
      case EventKind::allocate_aligned:
        block = region.allocate_aligned(event.size, event.alignment);
        return block != nullptr;
      default:
        block = region.allocate(event.size);
        return block != nullptr;
    }
  }

  double timed() {
    Pages pages(memory_);
    auto region = std::make_unique<Region<Policy>>(pages.at(), memory_);
    std::vector<void*> blocks(workload_.slots, nullptr);
    const Worker worker(*region);
    const auto start = Clock::now();
    for (const Event& event : workload_.events) operate(*region, blocks, event);
    const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
    return spent.count() / double(workload_.events.size());
  }

  void watched(Result& result) {
    Pages pages(memory_);
    auto region = std::make_unique<Region<Policy>>(pages.at(), memory_);
    std::vector<void*> blocks(workload_.slots, nullptr);
    std::vector<std::uint64_t> sizes(workload_.slots, 0);
    std::uint64_t live = 0;
    const std::size_t count = workload_.events.size();
    const std::size_t every = std::max<std::size_t>(1, count / std::max(1U, settings_.snapshots));
    std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>> used;  // granules from start
    {
      const Worker worker(*region);
      for (std::size_t i = 0; i < count; ++i) {
        const Event& event = workload_.events[i];
        const auto start = Clock::now();
        const bool served = operate(*region, blocks, event);
        const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
        result.worst_nanoseconds = std::max(result.worst_nanoseconds, spent.count());
        if (!served) ++result.refused;
        if (served) {
          live -= sizes[event.slot];
          sizes[event.slot] = event.kind == EventKind::free ? 0 : event.size;
          live += sizes[event.slot];
        }
        if (settings_.check_every != 0 && (i + 1) % settings_.check_every == 0) {
          if (!checked(*region, i + 1, result)) return;
        }
        if (i % every == every - 1) snapshot(*region, pages, i + 1, live, result, used);
      }
    }
    const RegionStatistics s = region->statistics();
    result.peak_used_bytes = s.peak_used_bytes;
    result.footprint_bytes = s.footprint_bytes;
    result.longest_search = s.longest_search;
    const std::size_t requests = s.allocations + s.failures;
    result.mean_search = requests == 0 ? 0 : double(s.looked_at) / double(requests);
    const double footprint = s.footprint_bytes == 0 ? 1.0 : double(s.footprint_bytes);
    result.fragmentation_end = 1.0 - double(live) / footprint;
    result.fragmentation_peak = 1.0 - double(workload_.peak_live_bytes) / footprint;
    draw_cells(s.footprint_bytes, result, used);
    if (!checked(*region, count, result)) return;
    // Everything is freed: the region must find back to one free block.
    for (void* block : blocks) region->free(block);
    region->settle();
    if (!checked(*region, count, result)) return;
    const RegionStatistics end = region->statistics();
    if (end.used_bytes != 0 || end.free_blocks != 1) {
      ++result.failed_checks;
      result.failure = "the region is not one free block after everything was freed";
    }
  }

  static bool checked(Region<Policy>& region, std::size_t operation, Result& result) {
    const RegionCheck check = region.check();
    if (check) return true;
    ++result.failed_checks;
    result.failure = std::string("check failed after operation ") + std::to_string(operation) +
                     ": " + region_error_name(check.error);
    return false;
  }

  static void snapshot(Region<Policy>& region, const Pages& pages, std::size_t operation,
                       std::uint64_t live, Result& result,
                       std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>>& used) {
    const RegionStatistics s = region.statistics();
    result.snapshots.push_back({operation, live, s.footprint_bytes, s.free_blocks, {}});
    auto& runs = used.emplace_back();
    region.walk([&](const RegionBlock& block) {
      if (block.state != BlockState::used) return;
      const auto at = std::uint32_t(
          std::size_t(static_cast<const char*>(block.payload) - static_cast<char*>(pages.at())) /
          16);
      const auto length = std::uint32_t(block.bytes / 16);
      if (!runs.empty() && runs.back().first + runs.back().second == at)
        runs.back().second += length;
      else
        runs.emplace_back(at, length);
    });
  }

  // The share of each cell of the footprint that is used, per snapshot.
  static void draw_cells(
      std::size_t footprint, Result& result,
      const std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>>& used) {
    constexpr std::size_t cells = 256;
    const double per_cell = std::max(1.0, double(footprint) / 16 / cells);
    for (std::size_t i = 0; i < used.size(); ++i) {
      std::vector<double> sum(cells + 1, 0);
      for (const auto& [at, length] : used[i]) {
        for (double from = at, to = double(at) + length; from < to;) {
          const auto cell = std::min<std::size_t>(cells - 1, std::size_t(from / per_cell));
          const double end = std::min(to, std::max(from + 1e-9, double(cell + 1) * per_cell));
          sum[cell] += (cell == cells - 1 ? to : end) - from;
          from = cell == cells - 1 ? to : end;
        }
      }
      for (std::size_t c = 0; c < cells; ++c) {
        result.snapshots[i].cells.push_back(
            std::uint8_t(std::min(255.0, sum[c] / per_cell * 255.0)));
      }
    }
  }

  void counted(Result& result) {
    // With a worker, how long one waits for the lock would be counted, too.
    if (settings_.instruction_samples == 0 || background) return;
    const std::size_t count = workload_.events.size();
    const std::size_t every = std::max<std::size_t>(1, count / settings_.instruction_samples);
    const auto counts = count_instructions([&] {
      Pages pages(memory_);
      auto region = std::make_unique<Region<Policy>>(pages.at(), memory_);
      std::vector<void*> blocks(workload_.slots, nullptr);
      for (std::size_t i = 0; i < count; ++i) {
        if (i % every == every / 2) {
          mark();
          operate(*region, blocks, workload_.events[i]);
          mark();
        } else {
          operate(*region, blocks, workload_.events[i]);
        }
      }
    });
    if (counts.empty()) return;
    std::uint64_t sum = 0;
    for (const std::uint64_t n : counts) sum += n;
    result.instructions = double(sum) / double(counts.size());
    result.worst_instructions = *std::max_element(counts.begin(), counts.end());
  }

  const Workload& workload_;
  const Settings& settings_;
  std::uint64_t memory_;
};

template <class Fit>
Result run_products(const PolicyChoice& choice, const Workload& workload,
                    const Settings& settings) {
  return with_policy_of_fit<Fit, LabBase>(choice, [&]<class Policy>() {
    if constexpr (Policy::Freeing::by_worker()) {
      return Runner<WithWorker<Policy>>(workload, settings).run(choice);
    } else {
      return Runner<Policy>(workload, settings).run(choice);
    }
  });
}

}  // namespace strata::lab
