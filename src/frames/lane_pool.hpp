// LanePool: the free frames of one lane of a zone, as whole blocks and as parts of blocks.
//
//   whole blocks   span core over 2 MiB blocks: runs of any length, O(1), coalescing both ways
//   partial blocks eight lists by how many frames are free; single frames and short runs come from
//                  the fullest block that has them, so that whole blocks stay whole under churn
//
// A CPU that takes single frames gets a block to itself (FrameBlock::owned) and comes back to it as
// long as it has frames; with one that another CPU fills from it makes do when there is no other. Of
// blocks equally full it prefers those that are its own (FrameBlock::owner) or may become so.
//
// O(1), but for a few blocks looked at in each list. Not synchronised, but for what is said to be read
// from outside: the lane's lock is held.
#pragma once

#include "base/attributes.hpp"
#include "base/intrusive_list.hpp"
#include "frames/request.hpp"
#include "span/span_core.hpp"

namespace strata {

class LanePool {
 public:
  static constexpr unsigned lists = 8;
  static constexpr unsigned tries_per_list = 8;

  // Read from outside, too.
  [[nodiscard]] size_t free_frames() const noexcept { return free_frames_.load(Order::relaxed); }
  // Blocks of which a part is free; not counted by code for size.
  [[nodiscard]] unsigned parts() const noexcept { return parts_.load(Order::relaxed); }

  [[nodiscard]] size_t free_blocks() const noexcept { return spans_.free_units(); }

  // Up to `wanted` single frames, from fresh blocks only if `may_open`. `own` is the block that the caller fills from, nullptr: none or
  // one of another lane; the next one is put there. `tags.claim(block)` makes a block the caller's
  // own if it can be. Returns how many.
  template <class Tags>
  size_t take_singles(Frame* into, size_t wanted, bool may_open, FrameBlock*& own,
                      Tags tags) noexcept {
    size_t got = 0;
    while (got < wanted) {
      FrameBlock* block = block_for(may_open, own, tags);
      if (block == nullptr) break;
      for (unsigned word = 0; word < FrameBlock::words; ++word) {
        std::uint64_t bits = block->pool[word];
        for (; bits != 0 && got < wanted; bits &= bits - 1) {
          into[got++] = block->frame(word * 64 + lowest_bit(bits));
          --block->pool_frames;
        }
        block->pool[word] = bits;
      }
      relist(block);
    }
    count_free(-got);
    return got;
  }

  // The first of `count` neighbouring frames from a multiple of `alignment` frames (a power of two),
  // or none: then there are none that are easily found. They are to be taken by take_from(); whole
  // blocks of them belong to no span any more.
  Frame find_run(size_t count, size_t alignment) noexcept {
    if (count > free_frames()) return {};
    const bool is_short = count < frames_per_block && alignment < frames_per_block;
    for (unsigned list = is_short ? list_of(count) : lists; list < lists; ++list) {
      FrameBlock* block = partial_[list].first();
      for (unsigned i = 0; block != nullptr && i < tries_per_list; ++i, block = block->next) {
        const size_t index = block->find_run(count, alignment);
        if (index != frames_per_block) return block->frame(index);
      }
    }
    FrameBlock* first = spans_.take_aligned(tags_, divide_up(count, frames_per_block),
                                            is_short ? 1 : alignment >> block_shift);
    return first != nullptr ? first->frame(0) : Frame{};
  }

  // Takes a whole block out of the middle of its free span; its frames are to be taken next.
  void take_block(FrameBlock* block) noexcept {
    FrameBlock* head = block;
    while (head->state != FrameBlockState::free_end) --head;
    // The first end met is the span's first block, or `block` was its last one: then the one before,
    // of the same stripe, is whole too.
    if (head == block && head->length > 1 && !begins_stripe(head->number) &&
        (head - 1)->pool_frames == frames_per_block) {
      head -= head->length - 1;
    }
    spans_.take_at(tags_, head, size_t(block - head), 1);
  }
  // Takes just these frames of a block that is in no span: all of them are in the pool.
  void take_from(FrameBlock* block, size_t index, size_t count) noexcept {
    block->set_pool(index, count, false);
    count_free(-count);
    relist(block);
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
    count_free(-(size_t{got} * frames_per_block));
    return got;
  }

  // Whole blocks come back, `count` neighbours of one stripe.
  void give_blocks(FrameBlock* first, size_t count) noexcept {
    for (size_t i = 0; i < count; ++i) first[i].set_pool(0, frames_per_block, true);
    if (first->state == FrameBlockState::offline) return;
    count_free(count * frames_per_block);
    spans_.give(tags_, first, count);
  }

  // Frames of a block come back: none of them is in the pool.
  void give(FrameBlock& block, size_t index, size_t count) noexcept {
    if (block.state != FrameBlockState::offline) count_free(count);
    block.set_pool(index, count, true);
    relist(&block);
  }

  // One frame comes back.
  STRATA_INLINE void give_one(FrameBlock& block, Frame frame) noexcept {
    if constexpr (built_small) return give(block, frame.number % frames_per_block, 1);
    if (STRATA_LIKELY(block.state != FrameBlockState::offline)) count_free(1);
    block.pool[frame.number % frames_per_block / 64] |= FrameBlock::bit_of(frame);
    ++block.pool_frames;
    if (STRATA_LIKELY(block.state == FrameBlockState::partial &&
                      block.list == list_of(block.pool_frames))) {
      return;
    }
    relist(&block);
  }

  // Takes a block's free frames out of the pool (they keep their bits), or puts them back. Of a free
  // span its first block goes first.
  void set_offline(FrameBlock* block, bool offline) noexcept {
    if (offline) {
      if (block->state == FrameBlockState::free_end) spans_.take_whole(tags_, block);
      unlist(block);
      block->state = FrameBlockState::offline;
      count_free(-size_t{block->pool_frames});
    } else {
      block->state = FrameBlockState::unlisted;
      relist(block);
      count_free(block->pool_frames);
    }
  }

  // Takes from these counts what is here; true when lists, spans and counts agree. O(free spans and
  // partly free blocks).
  [[nodiscard]] bool check(size_t& frames, size_t& whole, size_t& parts) noexcept {
    size_t listed = 0;
    for (const List<FrameBlock>& list : partial_) {
      for (FrameBlock* block = list.first(); block != nullptr; block = block->next) ++listed;
    }
    frames -= free_frames();
    whole -= spans_.free_units();
    parts -= listed;
    return spans_.check(tags_) && (built_small || listed == this->parts());
  }

 private:
  // Where single frames come from: the caller's own block, the fullest one that is nobody's, a
  // fresh one, or at last another CPU's.
  template <class Tags>
  FrameBlock* block_for(bool may_open, FrameBlock*& own, Tags tags) noexcept {
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
    if (found == nullptr && may_open) found = spans_.take(tags_, 1);
    if (found == nullptr || found->owned.load(Order::acquire)) {
      return found != nullptr ? found : may_open ? busy : nullptr;
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
    if constexpr (!built_small) parts_.store(parts() - 1, Order::relaxed);
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
    if constexpr (!built_small) parts_.store(parts() + 1, Order::relaxed);
  }

  // More, or by a wrapped negative number fewer, frames are free.
  void count_free(size_t frames) noexcept {
    free_frames_.store(free_frames() + frames, Order::relaxed);
  }

  Atomic<size_t> free_frames_;  // of blocks that are not offline
  Atomic<unsigned> parts_;
  unsigned list_map_ = 0;  // bit i: partial_[i] is not empty
  FrameBlockTags tags_;
  List<FrameBlock> partial_[lists];
  SpanCore<FrameBlockTags, lane_span_log2> spans_;  // free spans of whole blocks
};

}  // namespace strata
