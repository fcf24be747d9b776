// What the options say about observing. Read before the heap's first slow path.
#pragma once

#include "observe/profiler.hpp"

namespace strata::observe {

struct Settings {
  char profile[128] = {};  // the profile file to write to; empty: none
  size_t profile_mean = profiler::default_mean;
};
inline Settings settings;

}  // namespace strata::observe
