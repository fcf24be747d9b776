// ZonePool: the free frames of one zone, as whole blocks and as parts of blocks.
//
//   whole blocks   span core over 2 MiB blocks: runs of any length, O(1), coalescing both ways
//   partial blocks eight lists by how many frames are free; single frames and short runs come from
//                  the fullest block that has them, so that whole blocks stay whole under churn
//
// A request is refused only when a scan over the zone's bitmaps found nothing either (O(blocks));
// the same scan serves requests with limits. Not synchronised: Frames holds the zone's lock.
#pragma once

#include "base/intrusive_list.hpp"
#include "frames/region.hpp"
#include "span/span_core.hpp"

namespace strata {

struct FrameLimits {
  Frame min{0};                // first frame allowed
  Frame max{};                 // first frame not allowed
  std::uint64_t boundary = 0;  // in frames, a power of two the run must not cross; 0: none
};

class ZonePool {
 public:
  static constexpr unsigned lists = 8;
  static constexpr unsigned tries_per_list = 8;

  [[nodiscard]] size_t free_frames() const noexcept { return free_frames_; }
  [[nodiscard]] size_t free_blocks() const noexcept { return spans_.free_units(); }
  [[nodiscard]] size_t managed_frames() const noexcept { return managed_frames_; }
  [[nodiscard]] size_t longest_run_blocks() noexcept {
    FrameBlock* longest = spans_.longest(tags_);
    return longest != nullptr ? longest->length : 0;
  }

  // Up to `wanted` single frames, fullest blocks first. Returns how many.
  size_t take_singles(Frame* into, size_t wanted) noexcept {
    size_t got = 0;
    while (got < wanted) {
      FrameBlock* block = fullest();
      if (block == nullptr) break;
      for (unsigned word = 0; word < FrameBlock::words && got < wanted; ++word) {
        std::uint64_t bits = block->pool[word];
        for (; bits != 0 && got < wanted; bits &= bits - 1) {
          into[got++] = block->frame(word * 64 + lowest_bit(bits));
          --block->pool_frames;
          --free_frames_;
        }
        block->pool[word] = bits;
      }
      relist(block);
    }
    return got;
  }

  // `count` neighbouring frames from a multiple of `alignment` frames (a power of two).
  FrameRun take_run(size_t count, size_t alignment) noexcept {
    if (count > free_frames_) return {};
    FrameRun run;
    if (count < frames_per_block && alignment < frames_per_block) {
      run = take_short(count, alignment);
    } else {
      run = take_long(count, alignment);
    }
    return run.first ? run : take_within(count, alignment, {});
  }

  // One whole block, the commonest run. Its frames are neither in the pool nor out.
  FrameBlock* take_whole_block() noexcept {
    FrameBlock* block = spans_.take(tags_, 1);
    if (block == nullptr) return nullptr;
    for (std::uint64_t& word : block->pool) word = 0;
    block->pool_frames = 0;
    free_frames_ -= frames_per_block;
    return block;
  }
  void give_whole_block(FrameRegion& region, FrameBlock& block) noexcept {
    for (std::uint64_t& word : block.pool) word = ~std::uint64_t{0};
    block.pool_frames = frames_per_block;
    if (region.offline) return;
    free_frames_ += frames_per_block;
    spans_.give(tags_, &block, 1);
  }

  // The same inside limits, by scanning. O(blocks).
  FrameRun take_within(size_t count, size_t alignment, const FrameLimits& limits) noexcept {
    for (FrameRegion* region = regions_.first(); region != nullptr; region = region->next) {
      if (region->offline) continue;
      const Frame first = scan(*region, count, alignment, limits);
      if (!first) continue;
      take_exactly(*region, first, count);
      return {first, count};
    }
    return {};
  }

  // Frames come back: none of them is in the pool.
  void give(FrameRegion& region, Frame first, size_t count) noexcept {
    while (count != 0) {
      FrameBlock& block = region.block_of(first);
      const size_t index = first.number % frames_per_block;
      const size_t here = count < frames_per_block - index ? count : frames_per_block - index;
      FrameBlock::for_words(index, here,
                            [&](size_t word, std::uint64_t mask) { block.pool[word] |= mask; });
      block.pool_frames = std::uint16_t(block.pool_frames + here);
      if (!region.offline) free_frames_ += here;
      relist(&block);
      first = first + here;
      count -= here;
    }
  }

  // A new region: all its frames become free.
  void add(FrameRegion& region) noexcept {
    regions_.push_back(&region);
    managed_frames_ += region.frames();
    give(region, region.first, region.frames());
  }

  // Takes the region's frames out of the pool (they keep their bits), or puts them back.
  void set_offline(FrameRegion& region) noexcept {
    for (FrameBlock *block = region.blocks, *end = block + region.block_count; block != end;
         ++block) {
      if (block->state == FrameBlockState::free_end) spans_.take_whole(tags_, block);
      unlist(block);
      free_frames_ -= block->pool_frames;
    }
    for (size_t i = 0; i < region.block_count; ++i)
      region.blocks[i].state = FrameBlockState::offline;
    region.offline = true;
    managed_frames_ -= region.frames();
  }
  void set_online(FrameRegion& region) noexcept {
    region.offline = false;
    managed_frames_ += region.frames();
    for (size_t i = 0; i < region.block_count; ++i)
      region.blocks[i].state = FrameBlockState::unlisted;
    for (size_t i = 0; i < region.block_count; ++i) {
      free_frames_ += region.blocks[i].pool_frames;
      relist(&region.blocks[i]);
    }
  }
  // Forgets an offline region. False while frames of it are in use or in magazines.
  bool remove(FrameRegion& region) noexcept {
    size_t frames = 0;
    for (size_t i = 0; i < region.block_count; ++i) frames += region.blocks[i].pool_frames;
    if (!region.offline || frames != region.frames()) return false;
    regions_.remove(&region);
    return true;
  }

  [[nodiscard]] const List<FrameRegion>& regions() const noexcept { return regions_; }

  // True when lists, spans and counts agree with the bitmaps. O(blocks).
  [[nodiscard]] bool check() noexcept {
    size_t frames = 0, whole = 0, listed = 0;
    bool good = spans_.check(tags_);
    for (FrameRegion* region = regions_.first(); region != nullptr; region = region->next) {
      for (size_t i = 0; i < region->block_count; ++i) {
        const FrameBlock& block = region->blocks[i];
        unsigned ones = 0;
        for (unsigned word = 0; word < FrameBlock::words; ++word) {
          ones += count_ones(block.pool[word]);
          good &= (block.pool[word] & block.out[word].load(Order::relaxed)) == 0;
        }
        good &= ones == block.pool_frames;
        if (region->offline) continue;
        frames += ones;
        whole += ones == frames_per_block ? 1 : 0;
        listed += ones != 0 && ones != frames_per_block ? 1 : 0;
        good &=
            (block.state == FrameBlockState::partial) == (ones != 0 && ones != frames_per_block);
      }
    }
    for (const List<FrameBlock>& list : partial_) {
      for (FrameBlock* block = list.first(); block != nullptr; block = block->next) --listed;
    }
    return good && frames == free_frames_ && whole == spans_.free_units() && listed == 0;
  }

 private:
  FrameBlock* fullest() noexcept {
    if (list_map_ != 0) return partial_[lowest_bit(list_map_)].first();
    return spans_.take(tags_, 1);
  }

  // Where a block with so many free frames stands.
  static unsigned list_of(size_t pool_frames) noexcept {
    return unsigned(pool_frames * lists / frames_per_block);
  }

  void unlist(FrameBlock* block) noexcept {
    if (block->state != FrameBlockState::partial) return;
    List<FrameBlock>& list = partial_[block->list];
    list.remove(block);
    if (list.empty()) list_map_ &= ~(1U << block->list);
    block->state = FrameBlockState::unlisted;
  }

  // Puts a block that is in no span where its count says it belongs.
  void relist(FrameBlock* block) noexcept {
    if (block->state == FrameBlockState::offline) return;
    const size_t frames = block->pool_frames;
    if (block->state == FrameBlockState::partial && frames != 0 && list_of(frames) == block->list)
      return;
    unlist(block);
    if (frames == 0) return;
    if (frames == frames_per_block) {
      spans_.give(tags_, block, 1);
      return;
    }
    block->list = std::uint8_t(list_of(frames));
    block->state = FrameBlockState::partial;
    partial_[block->list].push_front(block);
    list_map_ |= 1U << block->list;
  }

  void clear(FrameBlock* block, size_t index, size_t count) noexcept {
    FrameBlock::for_words(index, count,
                          [&](size_t word, std::uint64_t mask) { block->pool[word] &= ~mask; });
    block->pool_frames = std::uint16_t(block->pool_frames - count);
    free_frames_ -= count;
    relist(block);
  }

  FrameRun take_short(size_t count, size_t alignment) noexcept {
    for (unsigned list = list_of(count); list < lists; ++list) {
      FrameBlock* block = partial_[list].first();
      for (unsigned i = 0; block != nullptr && i < tries_per_list; ++i, block = block->next) {
        const size_t index = block->find_run(count, alignment);
        if (index == frames_per_block) continue;
        clear(block, index, count);
        return {block->frame(index), count};
      }
    }
    FrameBlock* block = spans_.take(tags_, 1);
    if (block == nullptr) return {};
    clear(block, 0, count);
    return {block->frame(0), count};
  }

  FrameRun take_long(size_t count, size_t alignment) noexcept {
    const size_t blocks = divide_up(count, frames_per_block);
    FrameBlock* block = spans_.take_aligned(tags_, blocks, alignment >> block_shift);
    if (block == nullptr) return {};
    for (size_t left = count; left != 0; ++block) {
      const size_t here = left < frames_per_block ? left : frames_per_block;
      clear(block, 0, here);
      left -= here;
    }
    return {Frame{(block - blocks)->frame(0)}, count};
  }

  // First run in the region that meets every wish, or no frame.
  static Frame scan(const FrameRegion& region, size_t count, size_t alignment,
                    const FrameLimits& limits) noexcept {
    const std::uint64_t from =
        limits.min.number > region.first.number ? limits.min.number : region.first.number;
    const std::uint64_t end =
        limits.max.number < region.metadata.number ? limits.max.number : region.metadata.number;
    if (from >= end || (limits.boundary != 0 && count > limits.boundary)) return {};
    std::uint64_t at = from;
    while (at < end) {
      at = align_up(find(region, at, end, true), alignment);
      if (limits.boundary != 0 && at / limits.boundary != (at + count - 1) / limits.boundary) {
        at = align_up(at, limits.boundary);
        continue;
      }
      if (at >= end || end - at < count) return {};
      const std::uint64_t gap = find(region, at, at + count, false);
      if (gap == at + count) return {at};
      at = gap + 1;
    }
    return {};
  }

  // First frame of [at, end) that is (or is not) in the pool, or `end`.
  static std::uint64_t find(const FrameRegion& region, std::uint64_t at, std::uint64_t end,
                            bool in_pool) noexcept {
    while (at < end) {
      const FrameBlock& block = region.block_of({at});
      const std::uint64_t base = at & ~(frames_per_block - 1);
      if (block.pool_frames != (in_pool ? 0 : frames_per_block)) {
        const size_t found = block.find(size_t(at - base), in_pool);
        if (found != frames_per_block) return base + found < end ? base + found : end;
      }
      at = base + frames_per_block;
    }
    return end;
  }

  void take_exactly(FrameRegion& region, Frame first, size_t count) noexcept {
    while (count != 0) {
      FrameBlock* block = &region.block_of(first);
      const size_t index = first.number % frames_per_block;
      const size_t here = count < frames_per_block - index ? count : frames_per_block - index;
      if (block->pool_frames == frames_per_block) take_block(block);
      clear(block, index, here);
      first = first + here;
      count -= here;
    }
  }

  // Takes one block out of the middle of its free span.
  void take_block(FrameBlock* block) noexcept {
    FrameBlock* head = block;
    while (head->state != FrameBlockState::free_end) --head;
    // Walking back, the first end met is the span's first block, or `block` was its last one.
    if (head == block) {
      const FrameBlock* before = head - 1;
      const bool is_last = head->length > 1 && before->pool_frames == frames_per_block;
      if (is_last) head -= head->length - 1;
    }
    const size_t length = spans_.take_whole(tags_, head);
    const size_t before = size_t(block - head);
    if (before != 0) spans_.give(tags_, head, before);
    if (length - before > 1) spans_.give(tags_, block + 1, length - before - 1);
  }

  SpanCore<FrameBlockTags, 24> spans_;  // free spans of whole blocks; 2^24 blocks are 32 TiB
  FrameBlockTags tags_;
  List<FrameBlock> partial_[lists];
  unsigned list_map_ = 0;  // bit i: partial_[i] is not empty
  size_t free_frames_ = 0;
  size_t managed_frames_ = 0;  // of online regions
  List<FrameRegion> regions_;
};

}  // namespace strata
