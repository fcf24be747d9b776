// Every byte up to malloc_usable_size belongs to the block: no neighbour, no tag stands there.
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  FOR_EACH_EDGE_SIZE(size) {
    if (size > 600000) break;
    enum { count = 12 };
    unsigned char* blocks[count];
    size_t usable[count];
    for (size_t i = 0; i < count; ++i) {
      blocks[i] = malloc(size);
      CHECK(blocks[i] != NULL);
      usable[i] = malloc_usable_size(blocks[i]);
      fill_pattern(blocks[i], usable[i], i);
    }
    for (size_t i = 0; i < count; ++i) CHECK(has_pattern(blocks[i], usable[i], i));
    for (size_t i = 0; i < count; i += 2) {
      blocks[i] = realloc(blocks[i], size * 2 + 1);
      CHECK(has_pattern(blocks[i], size, i));
    }
    for (size_t i = 0; i < count; ++i) {
      if (i % 2 != 0) CHECK(has_pattern(blocks[i], usable[i], i));
      free(blocks[i]);
    }
  }
  return 0;
}
