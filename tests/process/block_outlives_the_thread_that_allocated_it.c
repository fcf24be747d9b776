// A thread ends; its blocks stay as they are, can grow, and are freed by whoever holds them.
#include "support/memory.h"
#include "support/threads.h"

enum { blocks_each = 500 };

static void* make_blocks(void* seed_word) {
  void** blocks = malloc(blocks_each * sizeof *blocks);
  uint64_t random = (uintptr_t)seed_word + 1;
  for (size_t i = 0; i < blocks_each; ++i) {
    const size_t size = random_size(&random, 60000);
    blocks[i] = malloc(size);
    CHECK(blocks[i] != NULL);
    fill_pattern(blocks[i], size, i);
  }
  return blocks;
}

int main(void) {
  for (uintptr_t round = 0; round < 60; ++round) {
    void** blocks = join_thread(start_thread(make_blocks, (void*)round));
    uint64_t random = round + 1;
    for (size_t i = 0; i < blocks_each; ++i) {
      const size_t size = random_size(&random, 60000);
      CHECK(has_pattern(blocks[i], size, i));
      blocks[i] = realloc(blocks[i], size + 64);
      CHECK(has_pattern(blocks[i], size, i));
    }
    for (size_t i = 0; i < blocks_each; ++i) free(blocks[i]);
    free(blocks);
  }
  return 0;
}
