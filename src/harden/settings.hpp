// Settings of the checked modes. Plain data, set by the options before the first allocation.
#pragma once

#include "base/units.hpp"

namespace strata::harden {

// Stricter ones later: a program that runs with more rights than its user may only move this way.
enum class Mode : std::uint8_t { standard, hardened, diagnose };

struct Settings {
  Mode mode = Mode::standard;
  // Default mode: one allocation in so many bytes is guarded (guard_samples.hpp); 0: none.
  size_t guard_sample = 64 * MiB;
};

inline Settings settings;

}  // namespace strata::harden
