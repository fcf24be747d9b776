// A heap profile in the format of pprof: a gzipped protocol-buffer message, profile.proto, which
// pprof, speedscope, Grafana and others read.
//
// Sample types, in this order: alloc_objects, alloc_space, inuse_objects, inuse_space,
// peak_objects, peak_space, and held_space where that is known. Every sample has the labels
// "process" and "pid".
#pragma once

#include <string>

#include "profile/heap_profile.hpp"

namespace strata::tool {

// `view`: the sample type that readers show first. Trouble when it cannot be compressed.
std::string pprof_bytes(const HeapProfile& profile, View view);

}  // namespace strata::tool
