// Stress: threads hand blocks to each other, grow them, free what others made, end and are
// replaced.
//
// Idea. Every block begins with its size and a checksum over all its bytes. Threads put blocks in
// shared places by exchanging pointers, so whoever finds one checks it, and frees, resizes or keeps
// it. A write that lands in the wrong block, a block given twice, or lost bytes break a checksum.
// Threads live for a few thousand steps; then a new one takes over, so that heaps are left behind
// and found again all the time. One thread in eight forks: the child checks everything it
// inherited.
//
// Usage: blocks_change_hands [seconds 5] [threads 4] [largest-bytes 3000000] [seed 1]
// Cost: about 64 MB with the defaults.
#include <malloc.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>
#include <vector>

#include "support/memory.h"

namespace {

struct Block {
  size_t size;
  uint64_t sum;
};

constexpr size_t places = 512;
Block* shared[places];
bool stop = false;
uint64_t steps_done = 0;
size_t largest = 3000000;

uint64_t sum_of(const Block* block) {
  const auto* words = reinterpret_cast<const uint64_t*>(block + 1);
  uint64_t sum = block->size * 0x9e3779b97f4a7c15u;
  const size_t count = (block->size - sizeof(Block)) / 8;
  // Of large blocks every 64th word: enough to find a page that went missing.
  for (size_t i = 0; i<count; i += count> 4096 ? 64 : 1) sum = sum * 31 + words[i];
  return sum;
}

void fill(Block* block, size_t size, uint64_t seed) {
  block->size = size;
  auto* words = reinterpret_cast<uint64_t*>(block + 1);
  const size_t count = (size - sizeof(Block)) / 8;
  for (size_t i = 0; i<count; i += count> 4096 ? 64 : 1) words[i] = seed + i * seed;
  block->sum = sum_of(block);
}

void check(const Block* block) {
  if (block->sum != sum_of(block)) {
    check_stop(check_exit_failed, "block %p of %zu bytes is damaged",
               static_cast<const void*>(block), block->size);
  }
}

Block* make(uint64_t& random) {
  const uint64_t kind = next_random(&random) % 400;
  size_t size = kind == 0 ? next_random(&random) % largest : random_size(&random, 60000);
  size += sizeof(Block);
  void* block = nullptr;
  switch (next_random(&random) % 6) {
    case 0:
      block = calloc(1, size);
      break;
    case 1:
      block = memalign(size_t{16} << next_random(&random) % 9, size);
      break;
    default:
      block = malloc(size);
      break;
  }
  CHECK(block != nullptr);
  CHECK_ALIGNED(16, block);
  fill(static_cast<Block*>(block), size, next_random(&random));
  return static_cast<Block*>(block);
}

Block* resize(Block* block, uint64_t& random) {
  const size_t size = random_size(&random, 60000) + sizeof(Block);
  const size_t kept = size < block->size ? size : block->size;
  const auto last = reinterpret_cast<unsigned char*>(block)[kept - 1];
  auto* moved = static_cast<Block*>(realloc(block, size));
  CHECK(moved != nullptr && reinterpret_cast<unsigned char*>(moved)[kept - 1] == last);
  fill(moved, size, next_random(&random));
  return moved;
}

void fork_and_check(uint64_t seed) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    uint64_t random = seed;
    for (int i = 0; i < 200; ++i) {
      Block* block = make(random);
      check(block);
      free(block);
    }
    _exit(0);
  }
  int status;
  CHECK_EQUAL(child, waitpid(child, &status, 0));
  CHECK_EQUAL(0, status);
}

void live(uint64_t seed) {
  uint64_t random = seed * 0x9e3779b97f4a7c15u | 1;
  std::vector<Block*> own;
  const size_t steps = 2000 + next_random(&random) % 6000;
  for (size_t i = 0; i < steps && !__atomic_load_n(&stop, __ATOMIC_RELAXED); ++i) {
    if (own.size() < 200) own.push_back(make(random));
    Block*& mine = own[next_random(&random) % own.size()];
    if (next_random(&random) % 4 == 0) {
      check(mine);
      mine = resize(mine, random);
    }
    Block** place = &shared[next_random(&random) % places];
    Block* found = __atomic_exchange_n(place, mine, __ATOMIC_ACQ_REL);
    mine = own.back();
    own.pop_back();
    if (found != nullptr) {
      check(found);
      if (next_random(&random) % 8 == 0) {
        own.push_back(found);
      } else {
        free(found);
      }
    }
  }
  if (seed % 64 == 0) fork_and_check(seed);
  for (Block* block : own) {
    check(block);
    if (next_random(&random) % 2 == 0) {
      free(block);
    } else if (Block* found = __atomic_exchange_n(&shared[next_random(&random) % places], block,
                                                  __ATOMIC_ACQ_REL)) {
      check(found);
      free(found);
    }
  }
  __atomic_add_fetch(&steps_done, steps, __ATOMIC_RELAXED);
}

}  // namespace

int main(int count, char** arguments) {
  const int seconds = count > 1 ? atoi(arguments[1]) : 5;
  const int threads = count > 2 ? atoi(arguments[2]) : 4;
  if (count > 3) largest = strtoul(arguments[3], nullptr, 10);
  uint64_t seed = count > 4 ? strtoul(arguments[4], nullptr, 10) : 1;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(live, seed++);
  uint64_t lives = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::thread& oldest = running[lives++ % running.size()];
    oldest.join();
    oldest = std::thread(live, seed++);
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
  for (std::thread& thread : running) thread.join();
  for (Block* block : shared) {
    if (block != nullptr) check(block);
    free(block);
  }
  printf("%llu steps in %llu lives of threads, all checksums good\n",
         static_cast<unsigned long long>(steps_done), static_cast<unsigned long long>(lives));
  CHECK(lives > 0);
  return 0;
}
