// What the options say about the heap profile. Read before the heap's first slow path.
#pragma once

#include "observe/profiler.hpp"

namespace strata::observe {

struct ProfileSettings {
  char path[128] = {};  // of the profile file to write to; empty: none
  size_t mean = profiler::default_mean;
};
inline ProfileSettings profile_settings;

}  // namespace strata::observe
