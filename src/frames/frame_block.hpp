// FrameBlock: what storey 1 knows about 2 MiB of physical memory, and the span core's tags over
// blocks.
//
// A frame of a block is in one of three states:
//
//     pool  out
//      1     0    free, in the pool of its lane
//      0     0    in some CPU's magazine, or not ours to give (a hole, metadata)
//      0     1    handed out
//
// `pool` is written under the lock of the block's lane. `out` is turned by whoever gets or puts a frame, which
// is what finds a double free: see out_word.hpp. A block handed out as one says so in one mark, and
// its bits stay clear: see whole_mark.hpp.
//
// A block all of whose 512 frames are in the pool belongs to a free span of the lane's span core;
// one with some of them stands in a list by how many; the others stand nowhere.
//
// Cost: 256 bytes a block, 0.0122% of the memory it describes. The managed memory is never touched.
#pragma once

#include "base/atomic.hpp"
#include "base/bits.hpp"
#include "base/frame.hpp"
#include "base/units.hpp"
#include "frames/lane.hpp"
#include "frames/out_word.hpp"
#include "frames/whole_mark.hpp"

namespace strata {

enum class FrameBlockState : std::uint8_t {
  unlisted = 0,  // nothing of it in the pool, or inside a free span, or the guard of a region's end
  free_end,      // first or last block of a free span; `length` is the span's
  partial,       // in the list `list`
  offline,       // its region is on the way out
};

// What of [index, + count) lies in one word of bits.
struct FramePiece {
  FramePiece(size_t index, size_t left) noexcept
      : word(index % frames_per_block / 64),
        count(left < 64 - index % 64 ? left : 64 - index % 64),
        mask((~std::uint64_t{0} >> (64 - count)) << (index % 64)) {}
  size_t word;
  size_t count;
  std::uint64_t mask;
};

struct alignas(cache_line) FrameBlock {
  static constexpr unsigned words = unsigned(frames_per_block / 64);

  std::uint32_t number;       // physical address / 2 MiB; set once
  std::uint32_t length;       // blocks in the free span that starts or ends here
  std::uint16_t pool_frames;  // ones in `pool`
  FrameBlockState state;
  std::uint8_t list;
  // Some CPU fills its magazine from here. Set under the lane's lock; cleared by that CPU (release:
  // pairs with the acquire of who forgets the region).
  Atomic<bool> owned;
  WholeMark whole;
  // Whose CPU's block it is, which may use OutWord's short way: a CpuTag, 0: nobody's ever. Written
  // under the lane's lock.
  Atomic<std::uint32_t> owner;
  FrameBlock* next;
  FrameBlock* previous;
  alignas(cache_line) std::uint64_t pool[words];
  alignas(cache_line) OutWord out[words];

  [[nodiscard]] Frame frame(size_t index) const noexcept {
    return {(std::uint64_t{number} << block_shift) + index};
  }
  OutWord& out_of(Frame frame) noexcept { return out[frame.number % frames_per_block / 64]; }
  [[nodiscard]] bool is_out(Frame frame) noexcept {
    if ((out_of(frame).bits() & bit_of(frame)) != 0) return true;
    if constexpr (built_small) return false;
    // The second look: a mark that is gone by now was split, and the bits are there.
    return whole.whole() || (out_of(frame).bits() & bit_of(frame)) != 0;
  }
  // Lets the bits tell which frames are out, also of a block that is out as one.
  void split() noexcept {
    if constexpr (built_small) return;  // whose blocks are never
    whole.split([this] {
      for (OutWord& word : out) word.turn_whole(true);
    });
  }
  static std::uint64_t bit_of(Frame frame) noexcept {
    return std::uint64_t{1} << (frame.number % 64);
  }

  // Puts [index, + count) into the pool, or takes them out.
  void set_pool(size_t index, size_t count, bool in_pool) noexcept {
    pool_frames = std::uint16_t(in_pool ? pool_frames + count : pool_frames - count);
    if (!built_small &&
        count == frames_per_block) {  // one or two stores, and what large runs consist of
      for (std::uint64_t& word : pool) word = in_pool ? ~std::uint64_t{0} : 0;
      return;
    }
    while (count != 0) {
      const FramePiece piece(index, count);
      pool[piece.word] = in_pool ? pool[piece.word] | piece.mask : pool[piece.word] & ~piece.mask;
      index += piece.count;
      count -= piece.count;
    }
  }

  // First frame at or behind `from` that is (in_pool) or is not in the pool; 512 when there is
  // none.
  [[nodiscard]] size_t find(size_t from, bool in_pool) const noexcept {
    for (size_t word = from / 64; word < words; ++word) {
      std::uint64_t bits = in_pool ? pool[word] : ~pool[word];
      if (word == from / 64) bits &= ~std::uint64_t{0} << (from % 64);
      if (bits != 0) return word * 64 + lowest_bit(bits);
    }
    return frames_per_block;
  }

  // First run of `count` frames in the pool that starts at a multiple of `alignment`, or 512.
  [[nodiscard]] size_t find_run(size_t count, size_t alignment) const noexcept {
    size_t at = align_up(find(0, true), alignment);
    while (at + count <= frames_per_block) {
      const size_t gap = find(at, false);
      if (gap >= at + count) return at;
      at = align_up(find(gap + 1, true), alignment);
    }
    return frames_per_block;
  }
};
static_assert(sizeof(FrameBlock) == 256);

// The tag store: a span is its first block; both ends carry the length. Arrays of blocks have a
// guard block, never free, before the first and behind the last. Blocks of another stripe belong to
// another lane, whose lock is not held: they are no neighbours.
class FrameBlockTags {
 public:
  using Span = FrameBlock*;
  static constexpr Span none = nullptr;
  static constexpr bool by_address = true;

  size_t length(Span span) noexcept { return span->length; }
  size_t position(Span span) noexcept { return span->number; }
  Span free_before(Span span) noexcept {
    if (begins_stripe(span->number)) return none;
    FrameBlock* last = span - 1;
    return last->state == FrameBlockState::free_end ? last - (last->length - 1) : none;
  }
  Span free_after(Span span, size_t blocks) noexcept {
    if (begins_stripe(span->number + blocks)) return none;
    FrameBlock* after = span + blocks;
    return after->state == FrameBlockState::free_end ? after : none;
  }
  Span advance(Span span, size_t blocks) noexcept { return span + blocks; }
  void mark_free(Span span, size_t blocks) noexcept {
    span->state = span[blocks - 1].state = FrameBlockState::free_end;
    span->length = span[blocks - 1].length = std::uint32_t(blocks);
  }
  void mark_used(Span span, size_t blocks) noexcept {
    span->state = span[blocks - 1].state = FrameBlockState::unlisted;
  }
  Span& next(Span span) noexcept { return span->next; }
  Span& previous(Span span) noexcept { return span->previous; }
};

}  // namespace strata
