// Reading heap profiles in pprof's format, ours and those of others (tcmalloc, jemalloc, Go).
#pragma once

#include <string>

#include "profile/heap_profile.hpp"

namespace strata::tool {

// Sample types that it looks for: alloc_, inuse_ and peak_, each _objects and _space, and
// held_space; others are passed over. Labels "process" and "pid" tell processes apart. Trouble when
// the file cannot be read, is damaged, or holds none of these.
HeapProfile read_pprof(const std::string& path);

}  // namespace strata::tool
