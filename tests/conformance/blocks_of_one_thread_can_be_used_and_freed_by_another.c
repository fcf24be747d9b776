// The family is MT-Safe: any thread may realloc, measure and free any block.
#include <malloc.h>
#include "support/memory.h"
#include "support/threads.h"

enum { count = 30000 };
static void* blocks[count];

static void* take_over(void* unused) {
  uint64_t random = 77;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = random_size(&random, 40000);
    CHECK(has_pattern(blocks[i], size, i));
    CHECK(malloc_usable_size(blocks[i]) >= size);
    if (i % 3 == 0) {
      blocks[i] = realloc(blocks[i], size + 200);
      CHECK(blocks[i] != NULL && has_pattern(blocks[i], size, i));
    }
    if (i % 2 == 0) free(blocks[i]);
  }
  return unused;
}

int main(void) {
  uint64_t random = 77;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = random_size(&random, 40000);
    blocks[i] = malloc(size);
    fill_pattern(blocks[i], size, i);
  }
  join_thread(start_thread(take_over, NULL));
  for (size_t i = 1; i < count; i += 2) free(blocks[i]);
  return 0;
}
