// Zero bytes are a block like any other: aligned, its own, freeable.
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  for (size_t alignment = 8; alignment <= 1048576; alignment *= 2) {
    void* first = NULL;
    void* second = NULL;
    CHECK_EQUAL(0, posix_memalign(&first, alignment, 0));
    CHECK_EQUAL(0, posix_memalign(&second, alignment, 0));
    CHECK(first != NULL && second != NULL && first != second);
    CHECK_ALIGNED(alignment, first);
    CHECK_ALIGNED(alignment, second);
    free(first);
    free(second);
  }
  return 0;
}
