// pvalloc aligns to the page and gives whole pages, every byte of which may be written.
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (size_t size = 1; size < 300000; size = size * 2 + 1) {
    const size_t rounded = (size + page - 1) / page * page;
    void* first = pvalloc(size);
    void* second = pvalloc(size);
    CHECK(first != NULL && second != NULL);
    CHECK_ALIGNED(page, first);
    CHECK(malloc_usable_size(first) >= rounded);
    fill_pattern(first, rounded, 1);
    fill_pattern(second, rounded, 2);
    CHECK(has_pattern(first, rounded, 1));
    CHECK(has_pattern(second, rounded, 2));
    free(first);
    free(second);
  }
  void* none = pvalloc(0);
  CHECK(none != NULL);
  CHECK_ALIGNED(page, none);
  free(none);
  return 0;
}
