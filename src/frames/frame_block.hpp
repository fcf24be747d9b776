// FrameBlock: what storey 1 knows about 2 MiB of physical memory, and the span core's tags over
// blocks.
//
// A frame of a block is in one of three states, kept in two bitmaps of 512 bits:
//
//     pool  out
//      1     0    free, in the pool of its zone
//      0     0    in some CPU's magazine, or not ours to give (a hole, metadata)
//      0     1    handed out
//
// pool is written under the zone's lock. out is written by whoever gets or puts a frame, with one
// atomic step a word, which is what finds a double free: the bit was clear already.
//
// A block all of whose 512 frames are in the pool belongs to a free span of the zone's span core;
// one with some of them stands in a list by how many; the others stand nowhere.
//
// Cost: 160 bytes a block, 0.0076% of the memory it describes. The managed memory is never touched.
#pragma once

#include "base/atomic.hpp"
#include "base/bits.hpp"
#include "base/frame.hpp"

namespace strata {

enum class FrameBlockState : std::uint8_t {
  unlisted = 0,  // nothing of it in the pool, or inside a free span, or the guard of a region's end
  free_end,      // first or last block of a free span; `length` is the span's
  partial,       // in the list `list`
  offline,       // its region is on the way out
};

struct FrameBlock {
  static constexpr unsigned words = unsigned(frames_per_block / 64);

  Atomic<std::uint64_t> out[words];
  std::uint64_t pool[words];
  std::uint32_t number;       // physical address / 2 MiB; set once
  std::uint32_t length;       // blocks in the free span that starts or ends here
  std::uint16_t pool_frames;  // ones in `pool`
  FrameBlockState state;
  std::uint8_t list;
  FrameBlock* next;
  FrameBlock* previous;

  [[nodiscard]] Frame frame(size_t index) const noexcept {
    return {(std::uint64_t{number} << block_shift) + index};
  }

  // All 512 frames become out, or stop being so: they are the caller's, so plain stores will do.
  void mark_all(bool now_out) noexcept {
    for (auto& word : out) word.store(now_out ? ~std::uint64_t{0} : 0, Order::relaxed);
  }
  [[nodiscard]] bool all_out() const noexcept {
    std::uint64_t common = ~std::uint64_t{0};
    for (const auto& word : out) common &= word.load(Order::relaxed);
    return common == ~std::uint64_t{0};
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

  // Calls act(word index, mask) for the words that hold [index, index + count).
  template <class Act>
  static void for_words(size_t index, size_t count, Act&& act) noexcept {
    while (count != 0) {
      const size_t bit = index % 64;
      const size_t here = count < 64 - bit ? count : 64 - bit;
      // here <= 64 - bit, so no shift reaches the word's width; the analyzer loses that.
      // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
      act(index / 64, (here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1) << bit);
      index += here;
      count -= here;
    }
  }
};
static_assert(sizeof(FrameBlock) == 160);

// The tag store: a span is its first block; both ends carry the length. Arrays of blocks have a
// guard block, never free, before the first and behind the last.
class FrameBlockTags {
 public:
  using Span = FrameBlock*;
  static constexpr Span none = nullptr;

  size_t length(Span span) noexcept { return span->length; }
  size_t position(Span span) noexcept { return span->number; }
  Span free_before(Span span) noexcept {
    FrameBlock* last = span - 1;
    return last->state == FrameBlockState::free_end ? last - (last->length - 1) : none;
  }
  Span free_after(Span span, size_t blocks) noexcept {
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
