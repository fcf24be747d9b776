// Strata without an operating system: everything a kernel written in C++ includes.
//
// docs/guide/porting.md leads from nothing to a working heap. In short: write a PagedMachine (six
// functions), let MemoryMap read the firmware's map, start Frames on it, start a Space on those;
// for the heap, name your platform in platform/selected.hpp, compile src/heap/*.cpp,
// src/ranges/*.cpp and src/front/freestanding.cpp, and call start_heap().
#pragma once

#include "base/spin_lock.hpp"
#include "frames/device_tree_memory.hpp"
#include "frames/firmware.hpp"
#include "frames/frames.hpp"
#include "frames/memory_map.hpp"
#include "platform/kernel/thread_area.hpp"
#include "platform/paged_machine.hpp"
#include "ranges/arena.hpp"
#include "ranges/space.hpp"
#include "ranges/space_platform.hpp"
