// ZonePool: the free frames of one zone, as whole blocks and as parts of blocks.
//
//   whole blocks   span core over 2 MiB blocks: runs of any length, O(1), coalescing both ways
//   partial blocks eight lists by how many frames are free; single frames and short runs come from
//                  the fullest block that has them, so that whole blocks stay whole under churn
//
// A CPU that takes single frames gets a block to itself (FrameBlock::owned) and comes back to it as
// long as it has frames; with one that another CPU fills from it makes do when there is no other. Of
// blocks equally full it prefers those that are its own (FrameBlock::owner) or may become so.
//
// A request for a run is refused only when a scan over the zone's bitmaps found nothing either
// (O(blocks)); the same scan serves requests with limits. Not synchronised: the zone's lock is
// held.
#pragma once

#include "base/attributes.hpp"
#include "base/intrusive_list.hpp"
#include "frames/run_search.hpp"
#include "span/span_core.hpp"

namespace strata {

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

  // Up to `wanted` single frames. `own` is the block that the caller fills from, nullptr: none or
  // one of another zone; the next one is put there. `tags.claim(block)` makes a block the caller's
  // own if it can be. Returns how many.
  template <class Tags>
  size_t take_singles(Frame* into, size_t wanted, FrameBlock*& own, Tags tags) noexcept {
    size_t got = 0;
    while (got < wanted) {
      FrameBlock* block = block_for(own, tags);
      if (block == nullptr) break;
      for (unsigned word = 0; word < FrameBlock::words; ++word) {
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
    const bool is_short = count < frames_per_block && alignment < frames_per_block;
    const FrameRun run = is_short ? take_short(count, alignment) : take_long(count, alignment);
    return run.first ? run : take_within(count, alignment, {});
  }

  // The same inside limits, by scanning. O(blocks).
  FrameRun take_within(size_t count, size_t alignment, const FrameLimits& limits) noexcept {
    for (FrameRegion* region = regions_.first(); region != nullptr; region = region->next) {
      if (region->offline) continue;
      const Frame first = find_run(*region, count, alignment, limits);
      if (!first) continue;
      take_exactly(&region->block_of(first), first.number % frames_per_block, count, true);
      return {first, count};
    }
    return {};
  }

  // Up to `wanted` whole blocks, from the shortest spans. Returns how many.
  unsigned take_blocks(FrameBlock** into, unsigned wanted) noexcept {
    unsigned got = 0;
    while (got < wanted) {
      FrameBlock* block = spans_.find(tags_, 1);
      if (block == nullptr) break;
      const unsigned here = block->length < wanted - got ? block->length : wanted - got;
      spans_.take_front(tags_, block, here);
      for (unsigned i = 0; i < here; ++i, ++block) {
        block->set_pool(0, frames_per_block, false);
        into[got++] = block;
      }
    }
    free_frames_ -= got * frames_per_block;
    return got;
  }

  // Whole blocks come back, `count` neighbours of one region.
  void give_blocks(FrameRegion& region, FrameBlock* first, size_t count) noexcept {
    for (size_t i = 0; i < count; ++i) first[i].set_pool(0, frames_per_block, true);
    if (region.offline) return;
    free_frames_ += count * frames_per_block;
    spans_.give(tags_, first, count);
  }

  // Frames come back: none of them is in the pool.
  void give(FrameRegion& region, Frame first, size_t count) noexcept {
    if (!region.offline) free_frames_ += count;
    while (count != 0) {
      FrameBlock& block = region.block_of(first);
      const size_t index = first.number % frames_per_block;
      const size_t here = count < frames_per_block - index ? count : frames_per_block - index;
      block.set_pool(index, here, true);
      relist(&block);
      first = first + here;
      count -= here;
    }
  }

  // One frame comes back.
  STRATA_INLINE void give_one(FrameRegion& region, Frame frame) noexcept {
    if constexpr (built_small) return give(region, frame, 1);
    if (STRATA_LIKELY(!region.offline)) ++free_frames_;
    FrameBlock& block = region.block_of(frame);
    block.pool[frame.number % frames_per_block / 64] |= FrameBlock::bit_of(frame);
    ++block.pool_frames;
    if (STRATA_LIKELY(block.state == FrameBlockState::partial &&
                      block.list == list_of(block.pool_frames))) {
      return;
    }
    relist(&block);
  }

  // A new region: all its frames become free.
  void add(FrameRegion& region) noexcept {
    regions_.push_back(&region);
    managed_frames_ += region.frames();
    give(region, region.first, region.frames());
  }

  // Takes the region's frames out of the pool (they keep their bits), or puts them back.
  void set_offline(FrameRegion& region, bool offline) noexcept {
    region.offline = offline;
    managed_frames_ += offline ? -region.frames() : region.frames();
    for (size_t i = 0; i < region.block_count; ++i) {
      FrameBlock* block = region.blocks + i;
      if (offline) {
        // A free span goes as a whole when its first block does.
        if (block->state == FrameBlockState::free_end) spans_.take_whole(tags_, block);
        unlist(block);
        block->state = FrameBlockState::offline;
        free_frames_ -= block->pool_frames;
      } else {
        block->state = FrameBlockState::unlisted;
        relist(block);
        free_frames_ += block->pool_frames;
      }
    }
  }
  // Forgets an offline region. False while frames of it are in use or in magazines, or a CPU has
  // one of its blocks.
  bool remove(FrameRegion& region) noexcept {
    size_t frames = 0;
    bool owned = !region.offline;
    for (size_t i = 0; i < region.block_count; ++i) {
      frames += region.blocks[i].pool_frames;
      owned |= region.blocks[i].owned.load(Order::acquire);
    }
    if (owned || frames != region.frames()) return false;
    regions_.remove(&region);
    return true;
  }

  // True when lists, spans and counts agree with the bitmaps. O(blocks).
  [[nodiscard]] bool check() noexcept {
    size_t frames = 0, whole = 0, listed = 0;
    bool good = spans_.check(tags_);
    for (FrameRegion* region = regions_.first(); region != nullptr; region = region->next) {
      for (size_t i = 0; i < region->block_count; ++i) {
        const FrameBlock& block = region->blocks[i];
        const bool is_whole = block.whole.whole();
        unsigned ones = 0;
        for (unsigned word = 0; word < FrameBlock::words; ++word) {
          ones += count_ones(block.pool[word]);
          good &= (block.pool[word] & block.out[word].bits()) == 0;
          good &= !is_whole || (block.pool[word] | block.out[word].bits()) == 0;
        }
        const bool part = ones != 0 && ones != frames_per_block;
        good &= ones == block.pool_frames;
        if (region->offline) continue;
        frames += ones;
        whole += ones == frames_per_block ? 1 : 0;
        listed += part ? 1 : 0;
        good &= (block.state == FrameBlockState::partial) == part;
      }
    }
    for (const List<FrameBlock>& list : partial_) {
      for (FrameBlock* block = list.first(); block != nullptr; block = block->next) --listed;
    }
    return good && frames == free_frames_ && whole == spans_.free_units() && listed == 0;
  }

 private:
  // Where single frames come from: the caller's own block, the fullest one that is nobody's, a
  // fresh one, or at last another CPU's.
  template <class Tags>
  FrameBlock* block_for(FrameBlock*& own, Tags tags) noexcept {
    if constexpr (built_small) {
      return list_map_ != 0 ? partial_[lowest_bit(list_map_)].first() : spans_.take(tags_, 1);
    }
    if (own != nullptr && own->state == FrameBlockState::partial) {
      tags.claim(own);
      return own;
    }
    FrameBlock* busy = nullptr;
    FrameBlock* found = nullptr;
    for (unsigned left = list_map_; left != 0 && found == nullptr; left &= left - 1) {
      FrameBlock* block = partial_[lowest_bit(left)].first();
      for (unsigned i = 0; block != nullptr && i < tries_per_list; ++i, block = block->next) {
        if (block->owned.load(Order::acquire)) {
          if (busy == nullptr) busy = block;
        } else if (tags.claim(block)) {
          found = block;
          break;
        } else if (found == nullptr) {
          found = block;  // another CPU's, should there be no better one in this list
        }
      }
    }
    if (found == nullptr) found = spans_.take(tags_, 1);
    if (found == nullptr || found->owned.load(Order::acquire)) {
      return found != nullptr ? found : busy;
    }
    if (!tags.claim(found)) tags.ask(found);
    if (own != nullptr) own->owned.store(false, Order::release);
    found->owned.store(true, Order::relaxed);
    return own = found;
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

  void take_from(FrameBlock* block, size_t index, size_t count) noexcept {
    block->set_pool(index, count, false);
    free_frames_ -= count;
    relist(block);
  }

  FrameRun take_short(size_t count, size_t alignment) noexcept {
    for (unsigned list = list_of(count); list < lists; ++list) {
      FrameBlock* block = partial_[list].first();
      for (unsigned i = 0; block != nullptr && i < tries_per_list; ++i, block = block->next) {
        const size_t index = block->find_run(count, alignment);
        if (index == frames_per_block) continue;
        take_from(block, index, count);
        return {block->frame(index), count};
      }
    }
    return take_long(count, 1);
  }

  // From the start of whole blocks.
  FrameRun take_long(size_t count, size_t alignment) noexcept {
    const size_t blocks = divide_up(count, frames_per_block);
    FrameBlock* first = spans_.take_aligned(tags_, blocks, alignment >> block_shift);
    if (first == nullptr) return {};
    take_exactly(first, 0, count, false);
    return {first->frame(0), count};
  }

  // `count` frames from `index` in `block` on, all of them in the pool. `in_spans`: whole blocks
  // still belong to free spans.
  void take_exactly(FrameBlock* block, size_t index, size_t count, bool in_spans) noexcept {
    for (; count != 0; ++block, index = 0) {
      const size_t here = count < frames_per_block - index ? count : frames_per_block - index;
      if (in_spans && block->pool_frames == frames_per_block) take_block(block);
      take_from(block, index, here);
      count -= here;
    }
  }

  // Takes one block out of the middle of its free span.
  void take_block(FrameBlock* block) noexcept {
    FrameBlock* head = block;
    while (head->state != FrameBlockState::free_end) --head;
    // The first end met is the span's first block, or `block` was its last one: then the one before
    // is whole too.
    if (head == block && head->length > 1 && (head - 1)->pool_frames == frames_per_block) {
      head -= head->length - 1;
    }
    spans_.take_at(tags_, head, size_t(block - head), 1);
  }

  size_t free_frames_ = 0;
  size_t managed_frames_ = 0;  // of online regions
  unsigned list_map_ = 0;      // bit i: partial_[i] is not empty
  FrameBlockTags tags_;
  List<FrameRegion> regions_;
  List<FrameBlock> partial_[lists];
  SpanCore<FrameBlockTags, 24> spans_;  // free spans of whole blocks; 2^24 blocks are 32 TiB
};

}  // namespace strata
