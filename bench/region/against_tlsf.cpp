// Compares good fit with mattconte/tlsf on the same traces: time per operation, and footprint, that
// is the least memory, control words included, in which a trace runs through.
//
//   cmake -B build -DSTRATA_TLSF=FOLDER   (with tlsf.c and tlsf.h, which stay outside the checkout)
//   build/against_tlsf [TRACE...]         traces as strata lab reads them; without: synthetic laws
//
// Times are the least of many interleaved runs. TLSF aligns to 8 bytes and checks nothing;
// `default` aligns to 16 and examines every freed pointer, `granule 8` aligns to 8, `best` is what
// a best fit packs.
#include <fmt/core.h>
#include <tlsf.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "lab/runner.hpp"
#include "lab/workload.hpp"
#include "strata/region.hpp"

namespace {

using namespace strata;

struct Granule8 : DefaultPolicy {
  using Layout = layout::Compact<3>;
};
struct Wide : DefaultPolicy {
  using Layout = layout::Pointers<>;
};
struct BestOf8 : Granule8 {
  using Fit = fit::Best;
};

template <class Policy>
class Ours {
 public:
  Ours(void* memory, std::size_t bytes) : region_(Region<Policy>::create(memory, bytes)) {}
  bool works() const { return region_ != nullptr; }
  void* allocate(std::size_t size) { return region_->allocate(size); }
  void* reallocate(void* block, std::size_t size) { return region_->reallocate(block, size); }
  void free(void* block) { region_->free(block); }

 private:
  Region<Policy>* region_;
};

class Tlsf {
 public:
  Tlsf(void* memory, std::size_t bytes)
      : tlsf_(bytes > tlsf_size() + 1024 ? tlsf_create_with_pool(memory, bytes) : nullptr) {}
  bool works() const { return tlsf_ != nullptr; }
  void* allocate(std::size_t size) { return tlsf_malloc(tlsf_, size); }
  void* reallocate(void* block, std::size_t size) { return tlsf_realloc(tlsf_, block, size); }
  void free(void* block) { tlsf_free(tlsf_, block); }

 private:
  tlsf_t tlsf_;
};

class Comparison {
 public:
  explicit Comparison(const lab::Workload& workload)
      : workload_(workload),
        bytes_(std::min<std::size_t>(
            workload.peak_live_bytes * 2 + workload.peak_live_blocks * 64 + (1 << 20),
            std::size_t{3} << 30)),
        pages_(bytes_),
        blocks_(workload.slots) {}

  template <class Allocator>
  double nanoseconds() {
    Allocator allocator(pages_.at(), bytes_);
    const auto start = std::chrono::steady_clock::now();
    run(allocator);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    return spent.count() / double(workload_.events.size());
  }

  template <class Allocator>
  double footprint() {
    std::size_t too_small = 0;
    std::size_t enough = bytes_;
    while (enough - too_small > std::max<std::size_t>(64, enough / 4000)) {
      const std::size_t middle = (too_small + enough) / 2 & ~std::size_t{15};
      Allocator allocator(pages_.at(), middle);
      (allocator.works() && run(allocator) ? enough : too_small) = middle;
    }
    return double(enough);
  }

 private:
  template <class Allocator>
  bool run(Allocator& allocator) {
    std::fill(blocks_.begin(), blocks_.end(), nullptr);
    for (const lab::Event& event : workload_.events) {
      void*& block = blocks_[event.slot];
      if (event.kind == lab::EventKind::free) {
        allocator.free(block);
        continue;
      }
      block = event.kind == lab::EventKind::reallocate ? allocator.reallocate(block, event.size)
                                                       : allocator.allocate(event.size);
      if (block == nullptr) return false;
    }
    return true;
  }

  const lab::Workload& workload_;
  std::size_t bytes_;
  lab::Pages pages_;
  std::vector<void*> blocks_;
};

}  // namespace

int main(int count, char** arguments) {
  std::vector<lab::Workload> workloads;
  for (int i = 1; i < count; ++i) workloads.push_back(lab::from_trace(arguments[i]));
  if (workloads.empty()) {
    for (const lab::Law& law : lab::laws()) {
      for (const std::uint32_t live : {100U, 2000U, 20000U}) {
        workloads.push_back(lab::synthetic(law.name, live * 40ULL, 7, live));
        workloads.back().name += fmt::format(" {}", live);
      }
    }
  }
  constexpr unsigned repeats = 15;
  fmt::print("{:24} | time against tlsf           | footprint against tlsf\n", "");
  fmt::print("{:24} | {:>8} {:>8} {:>9} | {:>8} {:>8} {:>9} {:>8}\n", "trace", "default",
             "pointers", "granule 8", "default", "pointers", "granule 8", "best 8");
  double time_logs[3] = {};
  double footprint_logs[4] = {};
  for (const lab::Workload& workload : workloads) {
    Comparison compare(workload);
    double times[4] = {1e300, 1e300, 1e300, 1e300};
    for (unsigned i = 0; i < repeats; ++i) {
      times[0] = std::min(times[0], compare.nanoseconds<Tlsf>());
      times[1] = std::min(times[1], compare.nanoseconds<Ours<DefaultPolicy>>());
      times[2] = std::min(times[2], compare.nanoseconds<Ours<Wide>>());
      times[3] = std::min(times[3], compare.nanoseconds<Ours<Granule8>>());
    }
    const double base = compare.footprint<Tlsf>();
    const double footprints[4] = {
        compare.footprint<Ours<DefaultPolicy>>() / base, compare.footprint<Ours<Wide>>() / base,
        compare.footprint<Ours<Granule8>>() / base, compare.footprint<Ours<BestOf8>>() / base};
    for (int i = 0; i < 3; ++i) time_logs[i] += std::log(times[i + 1] / times[0]);
    for (int i = 0; i < 4; ++i) footprint_logs[i] += std::log(footprints[i]);
    const std::string name = workload.name.substr(workload.name.find_last_of('/') + 1);
    fmt::print("{:24} | {:8.3f} {:8.3f} {:9.3f} | {:8.3f} {:8.3f} {:9.3f} {:8.3f}\n", name,
               times[1] / times[0], times[2] / times[0], times[3] / times[0], footprints[0],
               footprints[1], footprints[2], footprints[3]);
  }
  const double n = double(workloads.size());
  fmt::print("{:24} | {:8.3f} {:8.3f} {:9.3f} | {:8.3f} {:8.3f} {:9.3f} {:8.3f}\n",
             "geometric mean", std::exp(time_logs[0] / n), std::exp(time_logs[1] / n),
             std::exp(time_logs[2] / n), std::exp(footprint_logs[0] / n),
             std::exp(footprint_logs[1] / n), std::exp(footprint_logs[2] / n),
             std::exp(footprint_logs[3] / n));
}
