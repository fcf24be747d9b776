// The heap looked over. See verify.hpp.
#include "harden/verify.hpp"

#include "harden/large.hpp"
#include "harden/misuse.hpp"
#include "harden/protections.hpp"
#include "harden/small.hpp"

namespace strata::harden {
namespace {

constexpr size_t most_at_exit = 16 * MiB;
constexpr size_t live_costs = 64;  // of a live block one cache line is looked at

class Look {
 public:
  Look(size_t most, const char* when) noexcept : left_(most), when_(when) {}

  [[nodiscard]] bool is_over() const noexcept { return left_ == 0; }
  [[nodiscard]] size_t found() const noexcept { return found_; }

  void at_small(void* block, Record record, size_t block_size) noexcept {
    if (record.is_live()) {
      spend(live_costs);
      if (!has(Protection::canaries) || !has(Protection::clearing)) return;
      if (canary.tail_is_whole(block, block_size, record.slack())) return;
      report_overflow(block, block_size - record.slack(), when_);
    } else {
      spend(block_size);
      if (!has(Protection::reuse_check)) return;
      if (is_zero(block, block_size)) return;
      report_write_after_free(block, block_size, thread_of(record.freed_by()), when_);
      // Said once, although a thread's ready blocks are met again in their slab.
      __builtin_memset(block, 0, block_size);
    }
    ++found_;
  }

  void at_slab(Slab& slab) noexcept {
    for (unsigned i = 0; i < slab.window && !is_over(); ++i) {
      at_small(reinterpret_cast<void*>(slab.address + size_t{i} * slab.size), slab.records()[i],
               slab.size);
    }
  }

  void at_large(const LargeBlock& block) noexcept {
    if (is_over()) return;
    void* const pointer = reinterpret_cast<void*>(block.address);
    if (block.state == LargeBlock::State::live) {
      spend(live_costs);
      if (large_canary_is_whole(block)) return;
      report_overflow(pointer, block.size, when_);
    } else {
      if (block.closed || block.shut || block.touched == 0) return;
      spend(block.accessible);
      if (is_zero(pointer, block.accessible)) return;
      report_write_after_free(pointer, block.size, block.freed_by, when_);
    }
    ++found_;
  }

  void at_cache(const ClassCache& cache, size_t block_size) noexcept {
    for (std::uint32_t at = cache.head; at != cache.tail && !is_over(); ++at) {
      const unsigned place = at % ClassCache::ring_places;
      at_small(cache.ring_blocks[place], *cache.ring_records[place], block_size);
    }
    for (unsigned i = 0; i < ClassCache::places && !is_over(); ++i) {
      if (cache.random_blocks[i] == nullptr) continue;
      at_small(cache.random_blocks[i], *cache.random_records[i], block_size);
    }
  }

 private:
  void spend(size_t bytes) noexcept { left_ -= bytes < left_ ? bytes : left_; }

  size_t left_;
  size_t found_ = 0;
  const char* when_;
};

}  // namespace

size_t verify(size_t most, bool alone, const char* when) noexcept {
  Look look(most, when);
  if (ThreadState* const state = seen_thread_state(); state != nullptr) {
    for (unsigned c = 1; c < class_count; ++c) look.at_cache(state->classes[c], shapes[c].size);
  }
  if (!alone) return look.found();
  for (Pool& pool : pools) {
    pool.for_each([&](Slab& slab) { look.at_slab(slab); });
  }
  for_each_large([&](const LargeBlock& block) { look.at_large(block); });
  return look.found();
}

void verify_at_exit() noexcept { verify(most_at_exit, thread_count() <= 1, "exit"); }

}  // namespace strata::harden
