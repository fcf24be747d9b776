// Compares good fit with mattconte/tlsf on the same traces: time per operation, and footprint, that
// is the least memory, control words included, in which a trace runs through.
//
//   cmake -B build -DSTRATA_TLSF=FOLDER   (with tlsf.c and tlsf.h, which stay outside the checkout)
//   build/against_tlsf [TRACE...]         traces as strata lab reads them; without: synthetic laws
//   build/against_tlsf --play COLUMN LAW LIVE TIMES     plays one law, for valgrind to count
//
// Times are the thread's on the processor, the least of many interleaved runs. TLSF aligns to 8
// bytes, examines nothing and stands in the memory it manages, and so do `bare 8` and `bare short`,
// which are compared like with like.
// `default` aligns to 16 bytes and examines every freed pointer, `pointers` the same with the wide
// layout, `granule 8` and `short 8` align to 8 and examine; `best 8` is what a best fit packs.
#include <fmt/core.h>
#include <time.h>
#include <tlsf.h>

#include <algorithm>
#include <array>
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
template <class Policy>
struct Bare : Policy {
  static constexpr Checks checks = Checks::none;
  static constexpr bool counters = false;
};
struct Bare8 : Bare<Granule8> {
  static constexpr bool self_based = true;
};
struct Short8 : DefaultPolicy {
  using Layout = layout::ShortTags<3>;
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

// Nanoseconds that this thread has run.
double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) * 1e9 + double(time.tv_nsec);
}

// What playing a trace costs without any allocator.
class Nothing {
 public:
  Nothing(void* memory, std::size_t) : memory_(memory) {}
  bool works() const { return true; }
  void* allocate(std::size_t) { return memory_; }
  void* reallocate(void*, std::size_t) { return memory_; }
  void free(void*) {}

 private:
  void* memory_;
};

// The columns, and the allocator of each.
constexpr std::array heads = {"default", "pointers",   "granule 8", "bare 8",
                              "short 8", "bare short", "best 8"};
constexpr std::size_t timed = heads.size() - 1;
template <class Visit>
auto with_all(Visit&& visit) {
  return visit.template operator()<Ours<DefaultPolicy>, Ours<Wide>, Ours<Granule8>, Ours<Bare8>,
                                   Ours<Short8>, Ours<Bare<Short8>>, Ours<BestOf8>>();
}

class Comparison {
 public:
  explicit Comparison(const lab::Workload& workload)
      : workload_(workload),
        bytes_(std::min<std::size_t>(
            workload.peak_live_bytes * 2 + workload.peak_live_blocks * 64 + (1 << 20),
            std::size_t{3} << 30)),
        pages_(bytes_),
        blocks_(workload.slots) {}

  // Ratios to TLSF's.
  std::array<double, heads.size()> times() {
    constexpr unsigned repeats = 15;
    return with_all([&]<class... Others>() {
      double first = 1e300;
      std::array<double, sizeof...(Others)> least;
      least.fill(1e300);
      for (unsigned i = 0; i < repeats; ++i) {
        first = std::min(first, nanoseconds<Tlsf>());
        double* at = least.data();
        ((*at = std::min(*at, nanoseconds<Others>()), ++at), ...);
      }
      for (double& time : least) time /= first;
      return least;
    });
  }
  std::array<double, heads.size()> footprints() {
    return with_all([&]<class... Others>() {
      const double first = footprint<Tlsf>();
      return std::array<double, sizeof...(Others)>{footprint<Others>() / first...};
    });
  }

  // Plays the trace with the allocator of one column; false if there is no such column.
  bool play(const std::string& column, unsigned times) {
    const auto play = [&]<class Allocator>() {
      for (unsigned i = 0; i < times; ++i) nanoseconds<Allocator>();
      return true;
    };
    if (column == "tlsf") return play.template operator()<Tlsf>();
    if (column == "nothing") return play.template operator()<Nothing>();
    return with_all([&]<class... All>() {
      std::size_t i = 0;
      return ((heads[i++] == column && play.template operator()<All>()) || ...);
    });
  }

 private:
  template <class Allocator>
  double nanoseconds() {
    Allocator allocator(pages_.at(), bytes_);
    const double start = processor_time();
    run(allocator);
    return (processor_time() - start) / double(workload_.events.size());
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

struct Row {
  std::string name;
  std::array<double, heads.size()> times;
  std::array<double, heads.size()> footprints;

  void print() const {
    fmt::print("{:24} |", name);
    for (std::size_t i = 0; i < timed; ++i) fmt::print(" {:10.3f}", times[i]);
    fmt::print(" |");
    for (const double footprint : footprints) fmt::print(" {:10.3f}", footprint);
    fmt::print("\n");
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count == 6 && std::string(arguments[1]) == "--play") {
    const auto live = std::uint32_t(std::stoul(arguments[4]));
    const lab::Workload workload = lab::synthetic(arguments[3], live * 40ULL, 7, live);
    if (Comparison(workload).play(arguments[2], unsigned(std::stoul(arguments[5])))) return 0;
    fmt::print(stderr, "against_tlsf: no column {}\n", arguments[2]);
    return 2;
  }
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
  fmt::print("{:24} | {:65} | footprint against tlsf\n{:24} |", "", "time against tlsf", "trace");
  for (std::size_t i = 0; i < timed; ++i) fmt::print(" {:>10}", heads[i]);
  fmt::print(" |");
  for (const char* head : heads) fmt::print(" {:>10}", head);
  fmt::print("\n");

  Row mean{"geometric mean", {}, {}};
  for (const lab::Workload& workload : workloads) {
    Comparison compare(workload);
    const Row row{workload.name.substr(workload.name.find_last_of('/') + 1), compare.times(),
                  compare.footprints()};
    row.print();
    const double share = 1 / double(workloads.size());
    for (std::size_t i = 0; i < heads.size(); ++i) {
      mean.times[i] += std::log(row.times[i]) * share;
      mean.footprints[i] += std::log(row.footprints[i]) * share;
    }
  }
  for (double& time : mean.times) time = std::exp(time);
  for (double& footprint : mean.footprints) footprint = std::exp(footprint);
  mean.print();
}
