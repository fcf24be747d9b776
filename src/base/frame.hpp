// Frame: the number of a physical page frame; FrameRun: neighbouring frames.
//
// Strong, so that a frame number, a physical address and a virtual address cannot be mixed up. A
// frame is 4 KiB everywhere, whatever larger entries a page table also offers; 512 of them,
// aligned, are a block (2 MiB), the unit of large runs.
#pragma once

#include <cstdint>

#include "base/units.hpp"

namespace strata {

constexpr unsigned frame_shift = 12;
constexpr size_t frame_size = size_t{1} << frame_shift;
constexpr unsigned block_shift = 9;  // frames in a block, as a power of two
constexpr size_t frames_per_block = size_t{1} << block_shift;

struct Frame {
  std::uint64_t number = ~std::uint64_t{0};

  static constexpr Frame at(std::uint64_t physical_address) noexcept {
    return {physical_address >> frame_shift};
  }
  [[nodiscard]] constexpr std::uint64_t address() const noexcept { return number << frame_shift; }
  // The default one is no frame: its number lies behind every address.
  constexpr explicit operator bool() const noexcept { return number != ~std::uint64_t{0}; }
  friend constexpr bool operator==(Frame, Frame) noexcept = default;
  friend constexpr Frame operator+(Frame frame, size_t count) noexcept {
    return {frame.number + count};
  }
};

struct FrameRun {
  Frame first;
  size_t count = 0;
};

}  // namespace strata
