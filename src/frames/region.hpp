// FrameRegion: one span of RAM without holes, with what is known about it at its own end.
//
//     base                                                            end
//     | frames to hand out ............ | FrameRegion | guard | blocks | guard |
//     ^ any frame                                        ^ 256 bytes a block
//
// A region's metadata lies in itself, so that adding memory needs no other memory, and removing it
// leaves nothing behind. The first and the last block may stick out of the region: frames outside
// are never in the pool and never out, so nobody can get them, and giving them back is an error.
//
// Invariants: a region lies in one zone; `base`, `end` and the pointers never change while the
// region is online. Cost: 0.0123% of the memory, at least one frame.
#pragma once

#include "frames/frame_block.hpp"

namespace strata {

// Named by their upper end: 16 MiB for ISA devices, 4 GiB for 32-bit ones.
enum class FrameZone : std::uint8_t { isa, below_4gib, any };
constexpr unsigned frame_zones = 3;

constexpr std::uint64_t zone_end(FrameZone zone) noexcept {
  return zone == FrameZone::isa          ? 16 * MiB
         : zone == FrameZone::below_4gib ? 4 * GiB
                                         : ~std::uint64_t{0};
}

constexpr FrameZone zone_of(Frame frame) noexcept {
  const std::uint64_t address = frame.address();
  return address < zone_end(FrameZone::isa)          ? FrameZone::isa
         : address < zone_end(FrameZone::below_4gib) ? FrameZone::below_4gib
                                                     : FrameZone::any;
}

struct alignas(cache_line) FrameRegion {
  Frame first;                // of those that can be handed out
  Frame metadata;             // end of those; first of our own
  Frame end;                  // behind the region
  FrameBlock* blocks;         // block_count of them; blocks[-1] and blocks[block_count] are guards
  std::uint64_t first_block;  // number of blocks[0]
  size_t block_count;
  FrameZone zone;
  Atomic<bool> bypass;  // puts go straight to the pool: written under the directory's lock
  bool offline;         // on the way out; written under the locks of all lanes
  FrameRegion* next;    // the zone's list; written under the locks of all lanes
  FrameRegion* previous;

  // Frames of metadata that a region of so many frames needs.
  static constexpr size_t metadata_frames(Frame first, Frame end) noexcept {
    const std::uint64_t blocks =
        divide_up(end.number, frames_per_block) - (first.number >> block_shift);
    return divide_up(sizeof(FrameRegion) + (blocks + 2) * sizeof(FrameBlock), frame_size);
  }

  [[nodiscard]] bool holds(Frame frame) const noexcept {
    return frame.number - first.number < metadata.number - first.number;
  }
  [[nodiscard]] FrameBlock& block_of(Frame frame) const noexcept {
    return blocks[(frame.number >> block_shift) - first_block];
  }
  [[nodiscard]] size_t frames() const noexcept { return size_t(metadata.number - first.number); }

  // Turns [first, + count) to `out`: all of them, or none when one of them is so already.
  bool turn_out(Frame run, size_t count, bool out) noexcept {
    size_t done = 0;
    while (done < count) {
      const Frame at = run + done;
      if (!built_small && at.number % frames_per_block == 0 && count - done >= frames_per_block) {
        WholeMark& whole = block_of(at).whole;
        if (out) whole.mark();
        if (out || whole.clear()) {
          done += frames_per_block;
          continue;
        }
      }
      if (!out) block_of(at).split();
      const FramePiece piece(at.number, count - done);
      OutWord& word = block_of(at).out[piece.word];
      const bool turned =
          !built_small && piece.count == 64 ? word.turn_whole(out) : word.turn_all(piece.mask, out);
      if (!turned) {
        if (done != 0) turn_out(run, done, !out);
        return false;
      }
      done += piece.count;
    }
    return true;
  }

  // Builds the region [first, end) in its own last frames, which `memory` leads to. All frames are
  // neither in the pool nor out.
  static FrameRegion* build(void* memory, Frame first, Frame end, FrameZone zone) noexcept {
    const size_t own = metadata_frames(first, end);
    auto* words = static_cast<std::uint64_t*>(memory);
    for (size_t i = 0; i < own * frame_size / sizeof(*words); ++i) words[i] = 0;
    auto* region = static_cast<FrameRegion*>(memory);
    region->first = first;
    region->end = end;
    region->metadata = {end.number - own};
    region->blocks = reinterpret_cast<FrameBlock*>(region + 1) + 1;
    region->first_block = first.number >> block_shift;
    region->block_count =
        size_t(divide_up(region->metadata.number, frames_per_block) - region->first_block);
    region->zone = zone;
    for (size_t i = 0; i < region->block_count; ++i) {
      region->blocks[i].number = std::uint32_t(region->first_block + i);
    }
    return region;
  }
};

}  // namespace strata
