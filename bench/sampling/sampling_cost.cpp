// sampling_cost: programs that do nothing but allocate and free, while allocations are sampled.
//
//   sampling_cost PATTERN MEAN      MEAN in bytes a sample, 0: off
//
// sampling_cost.py counts its instructions under callgrind, and prints what sampling adds.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "heap/heap.hpp"
#include "heap/sample.hpp"

namespace {

using namespace strata;

unsigned long samples;
constinit const heap::sample::Client counter = {
    [](heap::sample::Allocation&) noexcept { ++samples; }, nullptr, nullptr};

void one_block(size_t size, unsigned times) {
  for (unsigned i = 0; i < times; ++i) heap::free(heap::allocate(size));
}

// The worst there is: nothing else is free in the slab, so that each malloc misses.
void one_block_in_a_full_slab() {
  std::vector<void*> blocks;
  while (blocks.size() < slot_size / 64 - 1) blocks.push_back(heap::allocate(64));
  one_block(64, 1'000'000);
}

void batches() {
  std::vector<void*> blocks(20'000);
  for (unsigned n = 0; n < 50; ++n) {
    for (void*& block : blocks) block = heap::allocate(32);
    for (void* block : blocks) heap::free(block);
  }
}

// Sizes of real programs' kind, most small, in random order of death.
void mixed() {
  std::vector<void*> live(4096);
  std::uint64_t random = 1;
  for (unsigned i = 0; i < 1'000'000; ++i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    void*& place = live[random >> 52];
    heap::free(place);
    const size_t dice = random >> 40 & 15;
    place = heap::allocate(16 + (random >> 20) % (dice == 0 ? 4000 : 200));
  }
  for (void* block : live) heap::free(block);
}

}  // namespace

int main(int argc, char** argv) {
  const char* const pattern = argc > 1 ? argv[1] : "";
  heap::sample::set_client(heap::sample::Which::profile, &counter);
  heap::sample::set_mean(heap::sample::Which::profile,
                         argc > 2 ? std::strtoul(argv[2], nullptr, 0) : 0);
  if (std::strcmp(pattern, "one") == 0) {
    one_block(48, 1'000'000);
  } else if (std::strcmp(pattern, "full") == 0) {
    one_block_in_a_full_slab();
  } else if (std::strcmp(pattern, "batches") == 0) {
    batches();
  } else if (std::strcmp(pattern, "mixed") == 0) {
    mixed();
  } else {
    std::fprintf(stderr, "usage: sampling_cost one|full|batches|mixed MEAN\n");
    return 2;
  }
  std::printf("%lu samples\n", samples);
  return 0;
}
