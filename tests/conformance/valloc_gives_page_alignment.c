// valloc aligns to the page, for every size; blocks are freed by free.
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (size_t size = 0; size < 200000; size = size * 3 + 1) {
    void* first = valloc(size);
    void* second = valloc(size);
    CHECK(first != NULL && second != NULL && first != second);
    CHECK_ALIGNED(page, first);
    CHECK_ALIGNED(page, second);
    fill_pattern(first, size, 1);
    fill_pattern(second, size, 2);
    CHECK(has_pattern(first, size, 1));
    free(first);
    free(second);
  }
  return 0;
}
