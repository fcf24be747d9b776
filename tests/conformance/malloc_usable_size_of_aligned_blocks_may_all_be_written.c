// The same for blocks with an alignment, where usable bytes are counted from inside a larger piece.
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  for (size_t alignment = 16; alignment <= 262144; alignment *= 2) {
    for (size_t size = 1; size < 300000; size = size * 5 + 2) {
      void* blocks[6];
      for (size_t i = 0; i < 6; ++i) {
        blocks[i] = memalign(alignment, size);
        CHECK(blocks[i] != NULL && malloc_usable_size(blocks[i]) >= size);
        fill_pattern(blocks[i], malloc_usable_size(blocks[i]), i);
      }
      for (size_t i = 0; i < 6; ++i) {
        CHECK(has_pattern(blocks[i], malloc_usable_size(blocks[i]), i));
        free(blocks[i]);
      }
    }
  }
  return 0;
}
