// Proofs about storey 3: the slab heap on ranges on frames.
//
// What the heap keeps for good (its slot array, its threads' records, one slab a class) is taken
// once, by a first round of the same work; what is proven is that the second round leaves nothing.
#include "containers.hpp"
#include "strata/strata.h"
#include "world.hpp"

using namespace strata;

namespace kernel {

namespace {

// Static objects whose constructor allocates: run_constructors() came after the first allocation.
struct Early {
  Early() : block(static_cast<char*>(::operator new(100))) { block[0] = 'x'; }
  char* block;
};
Early early;

void trim_job(World& world, unsigned) {
  strata_trim(0);
  world.frames->drain();
}

// Frames out, once every CPU has given back what it can.
size_t settled_frames(World& world) noexcept {
  run_on_all(world, trim_job);
  run_on_all(world, trim_job);  // blocks that went home meanwhile
  world.space->settle();
  return world.frames_out() + world.mapped();
}

bool works_before_constructors(World&) { return early.block != nullptr && early.block[0] == 'x'; }

bool containers(World& world) {
  Random random(world.seed);
  const size_t before = settled_frames(world);
  for (int round = 0; round < 2; ++round) {
    Map map;
    Vector<std::uint64_t> keys;
    for (int i = 0; i < 10000; ++i) {
      const std::uint64_t key = random.next();
      if (!map.insert(key, ~key) || !keys.push_back(key)) break;  // a small memory is full
    }
    PROVE(keys.size() > 1000);
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::uint64_t* value = map.find(keys[i]);
      PROVE(value != nullptr && *value == ~keys[i]);
      if (i % 2 != 0) PROVE(map.erase(keys[i]));
    }
  }
  const size_t after = settled_frames(world);
  PROVE(after <= before + 512);  // slabs that stay active
  return true;
}

// Blocks of all sizes until `limit` bytes are live or memory is refused; then all are freed.
struct Chain {
  Chain* next;
  size_t size;
};
size_t grow_and_shrink(Random& random, size_t limit) {
  Chain* chain = nullptr;
  size_t live = 0;
  while (live < limit) {
    const size_t size =
        random.below(64) == 0 ? 64 * KiB + random.below(1 * MiB) : 16 + random.below(8 * KiB);
    auto* block = static_cast<Chain*>(strata_malloc(size));
    if (block == nullptr) break;
    *block = {chain, size};
    static_cast<char*>(static_cast<void*>(block))[size - 1] = 1;
    chain = block;
    live += size;
  }
  while (chain != nullptr) {
    Chain* next = chain->next;
    strata_free(chain);
    chain = next;
  }
  return live;
}

bool memory_comes_back(World& world) {
  const FrameStatistics now = world.frames->statistics();
  const size_t half = (now.pool + now.magazines) / 2 * frame_size;
  const size_t limit = half < 192 * MiB ? half : 192 * MiB;
  Random random(world.seed);
  grow_and_shrink(random, limit);
  const size_t before = settled_frames(world);
  const Address low = Address(strata_malloc(4 * MiB < limit / 4 ? 4 * MiB : limit / 4));
  strata_free(reinterpret_cast<void*>(low));
  for (int i = 0; i < 4; ++i) grow_and_shrink(random, limit);
  const size_t after = settled_frames(world);
  say("       ", Bytes{limit}, " grown and given back five times: ", before, " frames out before, ",
      after, " after\n");
  PROVE(after <= before + 64);
  return true;
}

bool exhausted_is_an_answer(World& world) {
  if (world.frames->statistics().managed > 600 * MiB / frame_size) return true;  // too long to fill
  Random random(world.seed);
  const size_t first = grow_and_shrink(random, ~size_t{0});
  const size_t before = settled_frames(world);
  const size_t second = grow_and_shrink(random, ~size_t{0});
  const size_t after = settled_frames(world);
  say("       ", Bytes{first}, " and then ", Bytes{second}, " were had\n");
  // In a memory of few MiB, slabs of 64 KiB that stay active are a large part.
  PROVE(second + 1 * MiB >= first / 10 * 9);
  PROVE(after <= before + 64);
  return true;
}

constinit Atomic<std::uint64_t*> boxes[64];
constinit Atomic<unsigned> wrong;

void pass_blocks(World& world, unsigned cpu) {
  Random random(world.seed * 7 + cpu);
  for (int i = 0; i < 20000; ++i) {
    const size_t words = 2 + random.below(random.below(16) == 0 ? 2000 : 60);
    auto* block = static_cast<std::uint64_t*>(strata_malloc(words * 8));
    if (block != nullptr) {
      block[0] = words;
      block[words - 1] = words;
    }
    auto* other = boxes[random.below(64)].exchange(block, Order::acq_rel);
    if (other == nullptr) continue;
    if (other[other[0] - 1] != other[0]) wrong.fetch_add(1, Order::relaxed);
    strata_free(other);
  }
}

bool blocks_pass_between_cpus(World& world) {
  for (int round = 0; round < 2; ++round) {
    run_on_all(world, pass_blocks);
    for (auto& box : boxes) strata_free(box.exchange(nullptr, Order::acq_rel));
  }
  PROVE(wrong.load(Order::relaxed) == 0);
  return true;
}

bool realloc_keeps_contents(World& world) {
  const size_t most = world.frames->statistics().pool * frame_size / 8;
  size_t size = 64;
  auto* block = static_cast<std::uint64_t*>(strata_malloc(size));
  PROVE(block != nullptr);
  block[3] = 42;
  for (; size < most && size < 40 * MiB; size += size / 2) {
    auto* grown = static_cast<std::uint64_t*>(strata_realloc(block, size));
    PROVE(grown != nullptr && grown[3] == 42);
    block = grown;
    block[size / 8 - 1] = size;
  }
  block = static_cast<std::uint64_t*>(strata_realloc(block, 64));
  PROVE(block != nullptr && block[3] == 42);
  strata_free(block);
  return true;
}

}  // namespace

unsigned prove_heap(World& world, unsigned& passed) noexcept {
  static constexpr Proof proofs[] = {
      {"the heap serves constructors, having served before them", works_before_constructors},
      {"containers on operator new and delete", containers},
      {"realloc keeps contents, up and down", realloc_keeps_contents},
      {"blocks taken by one CPU and freed by another", blocks_pass_between_cpus},
      {"the heap grows by what is asked and gives frames and addresses back", memory_comes_back},
      {"memory exhausted by the heap is refused, then recovered", exhausted_is_an_answer},
  };
  return prove_all(world, proofs, passed, false);
}

}  // namespace kernel
