// Batches, bursts and phases by one thread: programs whose load comes and goes.
//
// A batch is taken whole and freed whole, in one of three orders. A burst is a batch too large for
// any cache. In phases the sizes shift, so that memory carved for one size must become another's.
// Under long-lived fragmentation a few blocks of every phase stay for ever between the others.
#include <algorithm>

#include "size_law.hpp"

namespace workloads {
namespace {

enum class Order { last_first, first_first, shuffled };

void batches(Run& run, std::size_t length, std::size_t repeats, const SizeLaw& law, Order order) {
  MappedArray<void*> blocks(length);
  Random random(3);
  for (std::size_t n = 0; n < repeats; ++n) {
    for (void*& block : blocks) block = take(law.draw(random));
    if (order == Order::last_first) {
      std::reverse(blocks.begin(), blocks.end());
    } else if (order == Order::shuffled) {
      for (std::size_t i = length - 1; i != 0; --i)
        std::swap(blocks[i], blocks[random.below(i + 1)]);
    }
    for (void* block : blocks) free(block);
  }
  run.count(length * repeats);
}

void batch_last_first(Run& run) {
  batches(run, 2000, run.scaled(50'000), SizeLaw::uniform(16, 256), Order::last_first);
}
void batch_first_first(Run& run) {
  batches(run, 2000, run.scaled(50'000), SizeLaw::uniform(16, 256), Order::first_first);
}
void batch_shuffled(Run& run) {
  batches(run, 2000, run.scaled(20'000), SizeLaw::typical(), Order::shuffled);
}
void bursts(Run& run) {
  batches(run, run.scaled(400'000), 8, SizeLaw::typical(), Order::first_first);
}

// Each phase has a narrow range of sizes of its own, from 16 bytes to 16 KiB and back.
void phases(Run& run) {
  const std::size_t bytes = run.scaled(24 << 20);
  Random random(4);
  MappedArray<void*> blocks(bytes / 16);
  for (unsigned step = 0; step < 20; ++step) {
    const unsigned shift = step < 10 ? step : 19 - step;
    const std::size_t least = std::size_t{16} << shift;
    std::size_t live = 0;
    for (std::size_t used = 0; used < bytes; ++live) {
      const std::size_t size = least + random.below(least);
      blocks[live] = take(size);
      used += size;
    }
    for (std::size_t n = 0; n < live; ++n) {
      void*& block = blocks[random.below(live)];
      free(block);
      block = take(least + random.below(least));
    }
    for (std::size_t i = 0; i < live; ++i) free(blocks[i]);
    run.count(2 * live);
  }
}

// Of every phase one block in twenty stays until the end; sizes drift upward from phase to phase.
void long_lived(Run& run) {
  constexpr std::size_t length = 150'000;
  const std::size_t phase_count = run.scaled(50);
  MappedArray<void*> passing(length);
  MappedArray<void*> lasting(phase_count * (length / 20 + 1));
  std::size_t stay = 0;
  Random random(5);
  for (std::size_t phase = 0; phase < phase_count; ++phase) {
    const std::size_t mean = 24 + phase % 40 * 12;
    for (std::size_t i = 0; i < length; ++i) passing[i] = take(mean / 2 + random.below(mean));
    for (std::size_t i = 0; i < length; ++i) {
      if (i % 20 == phase % 20) {
        lasting[stay++] = passing[i];
      } else {
        free(passing[i]);
      }
    }
    run.count(length);
  }
  for (std::size_t i = 0; i < stay; ++i) free(lasting[i]);
}

constexpr Workload table[] = {
    {"batch_last_first", "single", batch_last_first, "2000 blocks, freed in reverse order"},
    {"batch_first_first", "single", batch_first_first, "2000 blocks, freed in the order taken"},
    {"batch_shuffled", "single", batch_shuffled,
     "2000 blocks of typical sizes, freed in any order"},
    {"bursts", "single", bursts, "400,000 blocks of typical sizes come and go at once"},
    {"phases", "single", phases,
     "24 MB of one size range after the other, 16 B to 16 KiB and back"},
    {"long_lived", "single", long_lived, "drifting sizes, one block in twenty stays for ever"},
};

}  // namespace

std::span<const Workload> batch_workloads() { return table; }

}  // namespace workloads
