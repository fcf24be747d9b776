// MmapSource: a region's source that takes whole pages from Linux and gives them back at once.
//
// Spans are multiples of the page and of 64 KiB. Pages are touched when a block needs them, unless
// the region's provision policy is eager. Cost: one system call a span.
#pragma once

#include <sys/mman.h>

#include <cerrno>

#include "base/bits.hpp"
#include "base/source_memory.hpp"
#include "base/units.hpp"

namespace strata {

struct MmapSource {
  static constexpr bool grows = true;

  static SourceMemory take(size_t least) noexcept {
    // 64 KiB is a multiple of every page size Linux uses on these machines but the huge ones.
    if (least > ~size_t{0} - 64 * KiB) return {};
    const size_t bytes = align_up(least, 64 * KiB);
    const int kept = errno;
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      errno = kept;
      return {};
    }
    return {memory, bytes};
  }
  static void give(void* memory, size_t bytes) noexcept {
    const int kept = errno;
    ::munmap(memory, bytes);
    errno = kept;
  }
};

}  // namespace strata
