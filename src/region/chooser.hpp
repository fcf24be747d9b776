// The product of policies, and a chooser that turns run-time choices into one of its types.
//
// For experiments: the lab and the tests measure and check each product as the compiler makes it for
// its own sake, without a single test of a choice on any path.
#pragma once

#include "region/policies.hpp"
#include "region/region.hpp"

namespace strata {

template <class FitPolicy, class CoalescePolicy, class FreePolicy, class ProvisionPolicy,
          class Base = DefaultPolicy>
struct ProductPolicy : Base {
  using Fit = FitPolicy;
  using Coalesce = CoalescePolicy;
  using Freeing = FreePolicy;
  using Provision = ProvisionPolicy;
};

struct PolicyChoice {
  FitKind fit = FitKind::good;
  CoalesceKind coalesce = CoalesceKind::at_once;
  FreeKind free = FreeKind::immediate;
  ProvisionKind provision = ProvisionKind::lazy;
};

constexpr const char* name_of(FitKind kind) noexcept {
  constexpr const char* names[] = {"first", "best", "next", "good", "score"};
  return names[int(kind)];
}
constexpr const char* name_of(CoalesceKind kind) noexcept {
  constexpr const char* names[] = {"at_once", "deferred", "searching"};
  return names[int(kind)];
}
constexpr const char* name_of(FreeKind kind) noexcept {
  constexpr const char* names[] = {"immediate", "batched", "background"};
  return names[int(kind)];
}
constexpr const char* name_of(ProvisionKind kind) noexcept {
  constexpr const char* names[] = {"lazy", "eager"};
  return names[int(kind)];
}

// Calls visit.template operator()<ProductPolicy<...>>() for the chosen product.
template <class Base, class Visit>
auto with_policy(const PolicyChoice& choice, Visit&& visit) {
  const auto with_provision = [&]<class F, class C, class R>() {
    if (choice.provision == ProvisionKind::lazy) {
      return visit.template operator()<ProductPolicy<F, C, R, provision::Lazy, Base>>();
    }
    return visit.template operator()<ProductPolicy<F, C, R, provision::Eager, Base>>();
  };
  const auto with_free = [&]<class F, class C>() {
    switch (choice.free) {
      case FreeKind::batched:
        return with_provision.template operator()<F, C, freeing::Batched<>>();
      case FreeKind::background:
        return with_provision.template operator()<F, C, freeing::Background<>>();
      default: return with_provision.template operator()<F, C, freeing::Immediate>();
    }
  };
  const auto with_coalesce = [&]<class F>() {
    switch (choice.coalesce) {
      case CoalesceKind::deferred: return with_free.template operator()<F, coalesce::Deferred<>>();
      case CoalesceKind::searching:
        return with_free.template operator()<F, coalesce::WhileSearching>();
      default: return with_free.template operator()<F, coalesce::AtOnce>();
    }
  };
  switch (choice.fit) {
    case FitKind::first: return with_coalesce.template operator()<fit::First>();
    case FitKind::best: return with_coalesce.template operator()<fit::Best>();
    case FitKind::next: return with_coalesce.template operator()<fit::Next>();
    case FitKind::score: return with_coalesce.template operator()<fit::Score<>>();
    default: return with_coalesce.template operator()<fit::Good>();
  }
}

}  // namespace strata
