// Random replacement by one thread, by size law: the steady state of a long-running program.
//
// A number of blocks is live; each operation frees a random one and takes another size in its
// place. What differs is the law and how much is live: a few thousand blocks stay in the caches and
// show the fast path, a million do not and show how the allocator places blocks.
#include "size_law.hpp"

namespace workloads {
namespace {

void replace_at_random(Run& run, std::size_t live, std::size_t operations, const SizeLaw& law) {
  MappedArray<void*> blocks(live);
  Random random(1);
  for (void*& block : blocks) block = take(law.draw(random));
  for (std::size_t n = 0; n < operations; ++n) {
    void*& block = blocks[random.below(live)];
    free(block);
    block = take(law.draw(random));
  }
  for (void* block : blocks) free(block);
  run.count(live + operations);
}

void churn_typical(Run& run) {
  replace_at_random(run, 8000, run.scaled(50'000'000), SizeLaw::typical());
}
void churn_uniform(Run& run) {
  replace_at_random(run, 4000, run.scaled(60'000'000), SizeLaw::uniform(1, 1024));
}
void churn_power(Run& run) {
  replace_at_random(run, 8000, run.scaled(60'000'000), SizeLaw::power());
}
void churn_logarithmic(Run& run) {
  replace_at_random(run, 4000, run.scaled(15'000'000), SizeLaw::logarithmic(16, 32768));
}
void churn_one_size(Run& run) {
  replace_at_random(run, 4000, run.scaled(75'000'000), SizeLaw::uniform(64, 64));
}
// About 200 MB live: every block is a cache miss, so its neighbours and its metadata matter.
void working_set(Run& run) {
  replace_at_random(run, run.scaled(1'200'000), run.scaled(2'500'000), SizeLaw::typical());
}

// Runs of blocks go and come together, up to 16,000 bytes and written throughout: classes of which
// few blocks fit in a slab, some 24 MB live.
void churn_runs(Run& run) {
  constexpr std::size_t live = 3000;
  constexpr std::size_t together = 100;
  const SizeLaw law = SizeLaw::uniform(8, 16000);
  MappedArray<void*> blocks(live);
  Random random(3);
  const std::size_t rounds = run.scaled(60'000);
  for (std::size_t n = 0; n < rounds; ++n) {
    const std::size_t first = random.below(live);
    for (std::size_t i = 0; i < together; ++i) free(blocks[(first + i) % live]);
    for (std::size_t i = 0; i < together; ++i) {
      const std::size_t size = law.draw(random);
      void* const block = blocks[(first + i) % live] = take(size);
      for (std::size_t at = 0; at < size; at += 512) static_cast<volatile char*>(block)[at] = 1;
    }
  }
  for (void* block : blocks) free(block);
  run.count(rounds * together);
}

// A block lives for the shortest time there is: the fast path and nothing else.
void hot_pairs(Run& run) {
  static constexpr std::size_t sizes[] = {16, 32, 48, 200, 64, 1000, 24, 400};
  const std::size_t operations = run.scaled(120'000'000);
  for (std::size_t n = 0; n < operations; ++n) free(take(sizes[n & 7]));
  run.count(operations);
}

// Interpreters and number crunchers: small results that live for a few steps, on a stack.
void short_lived_stack(Run& run) {
  constexpr std::size_t depth = 64;
  const SizeLaw law = SizeLaw::uniform(8, 96);
  Random random(2);
  void* stack[depth];
  std::size_t top = 0;
  std::size_t operations = run.scaled(70'000'000);
  run.count(operations);
  while (operations-- != 0) {
    if (top == depth || (top != 0 && (random.next() & 1) != 0)) {
      free(stack[--top]);
    } else {
      stack[top++] = take(law.draw(random));
    }
  }
  while (top != 0) free(stack[--top]);
}

struct Node {
  Node* left;
  Node* right;
};
Node* build(unsigned depth) {
  auto* const node = static_cast<Node*>(take(sizeof(Node)));
  node->left = depth == 0 ? nullptr : build(depth - 1);
  node->right = depth == 0 ? nullptr : build(depth - 1);
  return node;
}
std::size_t tear_down(Node* node) {
  if (node == nullptr) return 0;
  const std::size_t count = 1 + tear_down(node->left) + tear_down(node->right);
  free(node);
  return count;
}

// Trees of 16-byte nodes built and torn down while a long-lived one stays.
void trees(Run& run) {
  Node* const lasting = build(17);
  const std::size_t repeats = run.scaled(1500);
  for (std::size_t n = 0; n < repeats; ++n) run.count(tear_down(build(n % 8 == 0 ? 17 : 13)));
  run.count(tear_down(lasting));
}

constexpr Workload table[] = {
    {"hot_pairs", "single", hot_pairs, "a block freed at once, eight sizes in turn"},
    {"short_lived_stack", "single", short_lived_stack, "small results that live for a few steps"},
    {"churn_one_size", "single", churn_one_size, "random replacement, 64 bytes, 4000 live"},
    {"churn_typical", "single", churn_typical, "random replacement, sizes of programs, 8000 live"},
    {"churn_uniform", "single", churn_uniform,
     "random replacement, 1-1024 bytes evenly, 4000 live"},
    {"churn_power", "single", churn_power, "random replacement, heavy tail to 1 MiB, 8000 live"},
    {"churn_logarithmic", "single", churn_logarithmic,
     "random replacement, 16 B-32 KiB on a logarithmic scale, 4000 live"},
    {"churn_runs", "single", churn_runs,
     "runs of blocks replaced, 8-16000 bytes evenly, 24 MB live"},
    {"working_set", "single", working_set,
     "random replacement, 1.2 million live: beyond the caches"},
    {"trees", "single", trees, "16-byte nodes in trees, built and torn down"},
};

}  // namespace

std::span<const Workload> churn_workloads() { return table; }

}  // namespace workloads
