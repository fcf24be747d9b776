// Large and huge blocks by one thread: 32 KiB to 25 MB.
//
// Here the cost is page faults and system calls, so every page is written to, as a program would.
// An allocator that keeps freed pages is fast and large, one that returns them at once slow and
// small; the time and the memory of these lines must be read together.
#include "size_law.hpp"

namespace workloads {
namespace {

void replace_large(Run& run, std::size_t live, std::size_t operations, const SizeLaw& law) {
  MappedArray<void*> blocks(live);
  Random random(10);
  for (std::size_t n = 0; n < operations; ++n) {
    void*& block = blocks[random.below(live)];
    free(block);
    block = take(law.draw(random));
  }
  for (void* block : blocks) free(block);
  run.count(operations);
}

void large_churn(Run& run) {
  replace_large(run, 64, run.scaled(8'000), SizeLaw::logarithmic(32768, 4194304));
}
void huge_churn(Run& run) {
  replace_large(run, 10, run.scaled(200), SizeLaw::uniform(5'000'000, 25'000'000));
}

// One block at a time, taken, written and freed.
void large_pairs(Run& run) {
  const SizeLaw law = SizeLaw::logarithmic(32768, 4194304);
  Random random(11);
  const std::size_t operations = run.scaled(300'000);
  for (std::size_t n = 0; n < operations; ++n) free(take(law.draw(random)));
  run.count(operations);
}

// Rows of a matrix, pages of a buffer pool: one size of 64 KiB, in batches freed in any order.
void buffer_pool(Run& run) {
  constexpr std::size_t live = 512;
  MappedArray<void*> blocks(live);
  Random random(12);
  const std::size_t operations = run.scaled(10'000'000);
  for (std::size_t n = 0; n < operations; ++n) {
    void*& block = blocks[random.below(live)];
    if (block != nullptr) {
      free(block);
      block = nullptr;
    } else {
      block = take(65536);
    }
  }
  for (void* block : blocks) free(block);
  run.count(operations / 2);
}

constexpr Workload table[] = {
    {"large_pairs", "single", large_pairs, "32 KiB-4 MiB, one at a time, every page written"},
    {"large_churn", "single", large_churn, "32 KiB-4 MiB, 64 live, every page written"},
    {"buffer_pool", "single", buffer_pool, "64 KiB buffers coming and going, up to 512 live"},
    {"huge_churn", "single", huge_churn, "5-25 MB, 10 live, every page written"},
};

}  // namespace

std::span<const Workload> large_workloads() { return table; }

}  // namespace workloads
