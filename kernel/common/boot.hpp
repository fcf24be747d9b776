// Boot: what the boot code of an architecture found out, in one form for all.
#pragma once

#include "console.hpp"
#include "frames/memory_map.hpp"

namespace kernel {

using Visit = void(void* context, std::uint64_t base, std::uint64_t length, bool usable);

// Physical memory that is in use, and what for.
struct Reserved {
  strata::MemorySpan span;
  const char* what;
};

struct Boot {
  const char* firmware;      // who told us about memory
  const char* command_line;  // never null
  const char* module;        // text of a memory map to play, or nullptr
  size_t module_bytes;
  void (*for_each_entry)(void* context, Visit* visit);  // the firmware's map, as found
  Reserved reserved[8];                                 // the kernel first, then module, tables
  unsigned reserved_count;
};

// For MemoryMap::read().
struct FirmwareReader {
  const Boot& boot;

  template <class V>
  void for_each(V&& visit) const {
    auto pass = [&](std::uint64_t base, std::uint64_t length, bool usable) {
      visit(base, length, usable);
    };
    boot.for_each_entry(&pass,
                        [](void* context, std::uint64_t base, std::uint64_t length, bool usable) {
                          (*static_cast<decltype(pass)*>(context))(base, length, usable);
                        });
  }
};

[[noreturn]] void kernel_main(const Boot& boot) noexcept;

}  // namespace kernel
