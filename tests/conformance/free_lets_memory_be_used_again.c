// What is freed is used again: a loop over far more memory than the limit runs for ever.
#include <sys/resource.h>
#include "support/memory.h"

int main(void) {
  const struct rlimit limit = {(size_t)256 << 20, (size_t)256 << 20};
  CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
  uint64_t random = 3;
  for (int round = 0; round < 300; ++round) {
    void* blocks[500];
    for (int i = 0; i < 500; ++i) {
      blocks[i] = malloc(random_size(&random, 200000) + (i % 50 == 0 ? 100000 : 1));
      CHECK(blocks[i] != NULL);
      *(char*)blocks[i] = 1;
    }
    void* large = malloc((size_t)8 << 20);
    CHECK(large != NULL);
    free(large);
    for (int i = 0; i < 500; ++i) free(blocks[(i * 7) % 500]);
  }
  return 0;
}
