// Policies that are chosen at run time, for the C interface: one instantiation serves every choice.
//
// Each holds its choice and asks it where the compile-time policies are constants. The choice is
// made before memory is added and not changed after.
#pragma once

#include "region/policies.hpp"
#include "region/region.hpp"

namespace strata::chosen {

struct Coalesce {
  CoalesceKind kind = CoalesceKind::at_once;
  [[nodiscard]] bool at_once() const noexcept { return kind == CoalesceKind::at_once; }
  [[nodiscard]] bool searching() const noexcept { return kind == CoalesceKind::searching; }
  [[nodiscard]] bool due(size_t apart, size_t used_blocks) const noexcept {
    return kind == CoalesceKind::deferred && coalesce::Deferred<>::due(apart, used_blocks);
  }
};

struct Freeing {
  FreeKind kind = FreeKind::immediate;
  size_t count = 64;
  [[nodiscard]] size_t capacity() const noexcept { return kind == FreeKind::immediate ? 0 : count; }
  [[nodiscard]] bool by_worker() const noexcept { return kind == FreeKind::background; }
};

struct Provision {
  ProvisionKind kind = ProvisionKind::lazy;
  [[nodiscard]] bool eager() const noexcept { return kind == ProvisionKind::eager; }
};

// A spin lock, if asked for.
class Lock {
 public:
  bool wanted = false;
  void lock() noexcept {
    if (wanted) spin_.lock();
  }
  void unlock() noexcept {
    if (wanted) spin_.unlock();
  }

 private:
  SpinLock spin_;
};

// All fits over two structures: bins for good and best, one list for first, next and score.
template <class Tags, unsigned MaxLog2>
class Index {
 public:
  using Span = typename Tags::Span;
  static constexpr bool constant_time = false;
  FitKind kind = FitKind::good;

  void choose(FitKind fit, unsigned exactness) noexcept {
    kind = fit;
    score_.exactness = exactness;
  }
  [[nodiscard]] Span find(Tags& tags, size_t units, bool joining, size_t* looked_at) noexcept {
    switch (kind) {
      case FitKind::good:
        return core_.find(tags, units, looked_at);
      case FitKind::best:
        return core_.find_best(tags, units, looked_at);
      case FitKind::next:
        return next_.find(tags, units, joining, looked_at);
      case FitKind::first:
        return score_.find_with(tags, units, joining, looked_at, 0);
      default:
        return score_.find_with(tags, units, joining, looked_at, score_.exactness);
    }
  }
  Span give(Tags& tags, Span span, size_t units) noexcept {
    return with([&](auto& index) noexcept { return index.give(tags, span, units); });
  }
  void insert(Tags& tags, Span span, size_t units) noexcept {
    with([&](auto& index) noexcept { index.insert(tags, span, units); });
  }
  size_t remove(Tags& tags, Span span) noexcept {
    if (bins()) return core_.take_whole(tags, span);
    return kind == FitKind::next ? next_.remove(tags, span) : score_.remove(tags, span);
  }
  Span take_at(Tags& tags, Span span, size_t skip, size_t units) noexcept {
    return with([&](auto& index) noexcept { return index.take_at(tags, span, skip, units); });
  }
  template <class Visit>
  void for_each_free(Tags& tags, Visit&& visit) noexcept {
    with([&](auto& index) noexcept { index.for_each_free(tags, visit); });
  }
  [[nodiscard]] bool check(Tags& tags, bool apart) noexcept {
    return with([&](auto& index) noexcept { return index.check(tags, apart); });
  }
  [[nodiscard]] size_t free_units() const noexcept {
    return bins()                  ? core_.free_units()
           : kind == FitKind::next ? next_.free_units()
                                   : score_.free_units();
  }
  void reset() noexcept {
    core_ = fit::BinCore<Tags, MaxLog2>();
    next_.reset();
    score_.reset();
  }

 private:
  struct ScoreList : fit::ScoreIndex<Tags, 0> {
    unsigned exactness = 75;
    Span find_with(Tags& tags, size_t units, bool joining, size_t* looked_at,
                   unsigned exact) noexcept {
      return this->search(tags, units, joining, looked_at, exact);
    }
  };
  [[nodiscard]] bool bins() const noexcept {
    return kind == FitKind::good || kind == FitKind::best;
  }
  template <class Call>
  auto with(Call&& call) noexcept {
    if (bins()) return call(core_);
    return kind == FitKind::next ? call(next_) : call(score_);
  }

  fit::BinCore<Tags, MaxLog2> core_;
  fit::NextIndex<Tags> next_;
  ScoreList score_;
};

struct Fit {
  static constexpr const char* name = "chosen";
  template <class Tags, unsigned MaxLog2>
  using Index = chosen::Index<Tags, MaxLog2>;
};

// Stands in its own memory, with offsets that count from itself: over any memory, shared or not.
struct Policy : DefaultPolicy {
  using Layout = layout::Offsets<>;
  using Fit = chosen::Fit;
  using Coalesce = chosen::Coalesce;
  using Freeing = chosen::Freeing;
  using Provision = chosen::Provision;
  using Source = source::Functions;
  using Lock = chosen::Lock;
  using Errors = errors::Handler;
  static constexpr bool self_based = true;
  static constexpr bool count_searches = true;
};

// The same with everything that finds errors.
struct CheckedPolicy : Policy {
  static constexpr Checks checks = Checks::full;
  static constexpr Mark mark = Mark::seal;
  static constexpr Poison poison = Poison::fill;
  static constexpr size_t guard_bytes = 32;
};

}  // namespace strata::chosen
