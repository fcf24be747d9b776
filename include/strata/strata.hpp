// Strata in C++: the process heap's functions and the region heap, every policy a type.
//
// Includes what needs nothing: no libc, no exceptions, no RTTI, nothing at start-up. For hosted
// programs besides: strata/memory_resource.hpp (std::pmr, which throws), region/region_worker.hpp
// with platform/linux/linux_thread.hpp, platform/linux/mmap_source.hpp and shared_lock.hpp. For
// kernels: strata/freestanding.hpp.
#pragma once

#include "strata/region.hpp"
#include "strata/strata.h"
