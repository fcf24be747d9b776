// The product of policies, and a chooser that turns run-time choices into one of its types.
//
// For experiments: the lab and the tests measure and check each product as the compiler makes it
// for its own sake, without a single test of a choice on any path.
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
  return names[int(kind)];  // NOLINT(clang-analyzer-core.uninitialized.UndefReturn)
}
constexpr const char* name_of(CoalesceKind kind) noexcept {
  constexpr const char* names[] = {"at_once", "deferred", "searching"};
  return names[int(kind)];  // NOLINT(clang-analyzer-core.uninitialized.UndefReturn)
}
constexpr const char* name_of(FreeKind kind) noexcept {
  constexpr const char* names[] = {"immediate", "batched", "background"};
  return names[int(kind)];  // NOLINT(clang-analyzer-core.uninitialized.UndefReturn)
}
constexpr const char* name_of(ProvisionKind kind) noexcept {
  constexpr const char* names[] = {"lazy", "eager"};
  return names[int(kind)];  // NOLINT(clang-analyzer-core.uninitialized.UndefReturn)
}

// Calls visit.template operator()<ProductPolicy<...>>() for the chosen product with this fit. Kept
// apart from with_policy() so that a program can compile each fit's products in a file of their
// own.
template <class FitPolicy, class Base, class Visit>
auto with_policy_of_fit(const PolicyChoice& choice, Visit&& visit) {
  const auto with_provision = [&]<class C, class R>() {
    if (choice.provision == ProvisionKind::lazy) {
      return visit.template operator()<ProductPolicy<FitPolicy, C, R, provision::Lazy, Base>>();
    }
    return visit.template operator()<ProductPolicy<FitPolicy, C, R, provision::Eager, Base>>();
  };
  const auto with_free = [&]<class C>() {
    switch (choice.free) {
      case FreeKind::batched:
        return with_provision.template operator()<C, freeing::Batched<>>();
      case FreeKind::background:
        return with_provision.template operator()<C, freeing::Background<>>();
      default:
        return with_provision.template operator()<C, freeing::Immediate>();
    }
  };
  switch (choice.coalesce) {
    case CoalesceKind::deferred:
      return with_free.template operator()<coalesce::Deferred<>>();
    case CoalesceKind::searching:
      return with_free.template operator()<coalesce::WhileSearching>();
    default:
      return with_free.template operator()<coalesce::AtOnce>();
  }
}

template <class Base, class Visit>
auto with_policy(const PolicyChoice& choice, Visit&& visit) {
  switch (choice.fit) {
    case FitKind::first:
      return with_policy_of_fit<fit::First, Base>(choice, visit);
    case FitKind::best:
      return with_policy_of_fit<fit::Best, Base>(choice, visit);
    case FitKind::next:
      return with_policy_of_fit<fit::Next, Base>(choice, visit);
    case FitKind::score:
      return with_policy_of_fit<fit::Score<>, Base>(choice, visit);
    default:
      return with_policy_of_fit<fit::Good, Base>(choice, visit);
  }
}

}  // namespace strata
