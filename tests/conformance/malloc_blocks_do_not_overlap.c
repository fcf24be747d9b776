// Bytes written to one block never show up in another, small and large mixed, freed in between.
#include "support/memory.h"

enum { count = 2000 };
static unsigned char* blocks[count];
static size_t sizes[count];

int main(void) {
  uint64_t random = 12345;
  for (int round = 0; round < 8000; ++round) {
    const size_t i = next_random(&random) % count;
    if (blocks[i] != NULL) {
      CHECK(has_pattern(blocks[i], sizes[i], i));
      free(blocks[i]);
    }
    sizes[i] = random_size(&random, 300000);
    blocks[i] = malloc(sizes[i]);
    CHECK(blocks[i] != NULL);
    fill_pattern(blocks[i], sizes[i], i);
  }
  for (size_t i = 0; i < count; ++i) {
    if (blocks[i] != NULL) CHECK(has_pattern(blocks[i], sizes[i], i));
  }
  return 0;
}
