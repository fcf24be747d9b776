// Does cost grow as it should? Time per operation against live blocks, threads and size.
//
// Each takes one parameter and times only its steady part, by itself: what it prints as seconds
// leaves out filling and emptying. Flat curves are what one hopes for; beyond the caches every
// allocator rises with live blocks, since the blocks themselves miss.
#include <unistd.h>

#include "size_law.hpp"

namespace workloads {
namespace {

// Random replacement with `parameter` live blocks of 16 to 128 bytes.
void scale_live(Run& run) {
  const std::size_t live = run.parameter != 0 ? run.parameter : 1'000'000;
  const SizeLaw law = SizeLaw::uniform(16, 128);
  MappedArray<void*> blocks(live);
  Random random(30);
  for (void*& block : blocks) block = take(law.draw(random));
  const std::size_t operations = run.scaled(2'000'000);
  const double begin = now_seconds();
  for (std::size_t n = 0; n < operations; ++n) {
    void*& block = blocks[random.below(live)];
    free(block);
    block = take(law.draw(random));
  }
  run.seconds = now_seconds() - begin;
  run.count(operations);
  for (void* block : blocks) free(block);
}

// Random replacement by `threads` threads, one operation in eight on a block of another thread's.
void scale_threads(Run& run) {
  constexpr std::size_t live = 2000;
  const SizeLaw law = SizeLaw::typical();
  MappedArray<std::atomic<void*>> shared(live);
  const std::size_t each = run.scaled(16'000'000) / run.threads;
  const double begin = now_seconds();
  in_threads(run.threads, [&](unsigned index) {
    MappedArray<void*> blocks(live);
    Random random(31 + index);
    for (std::size_t n = 0; n < each; ++n) {
      void*& block = blocks[random.below(live)];
      // Release so that the finder sees the block's content, acquire so that we see the found
      // one's.
      if ((n & 7) == 0) {
        block = shared[random.below(live)].exchange(block, std::memory_order_acq_rel);
      }
      free(block);
      block = take(law.draw(random));
    }
    run.count(each);
    for (void* block : blocks) free(block);
  });
  run.seconds = now_seconds() - begin;
  for (std::atomic<void*>& block : shared) free(block.load(std::memory_order_relaxed));
}

// malloc and free of `parameter` bytes, first and last byte written: what the size alone costs.
void scale_size(Run& run) {
  const std::size_t size = run.parameter != 0 ? run.parameter : 64;
  constexpr std::size_t batch = 8;
  void* blocks[batch];
  const std::size_t fit = (std::size_t{2} << 30) / size;
  const std::size_t live = fit < 1 ? 1 : fit < batch ? fit : batch;
  // A fixed time rather than a fixed count: a pair may take 3 ns or 3 ms.
  const double limit = 0.2 * run.scale;
  std::uint64_t done = 0;
  const double begin = now_seconds();
  do {
    for (unsigned repeat = 0; repeat < (size <= 65536 ? 64 : 1); ++repeat) {
      for (std::size_t i = 0; i < live; ++i) {
        blocks[i] = malloc(size);
        if (blocks[i] == nullptr) exit(1);
        static_cast<volatile char*>(blocks[i])[0] = 1;
        static_cast<volatile char*>(blocks[i])[size - 1] = 1;
      }
      for (std::size_t i = 0; i < live; ++i) free(blocks[i]);
      done += live;
    }
    run.seconds = now_seconds() - begin;
  } while (run.seconds < limit);
  run.count(done);
}

constexpr Workload table[] = {
    {"scale_live", "scaling", scale_live, "time per replacement against live blocks"},
    {"scale_threads", "scaling", scale_threads, "time per replacement against threads"},
    {"scale_size", "scaling", scale_size, "time per malloc and free against size"},
};

}  // namespace

std::span<const Workload> scaling_workloads() { return table; }

}  // namespace workloads
