// No object may be larger than PTRDIFF_MAX: pointers into it could not be subtracted.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  CHECK_OUT_OF_MEMORY(malloc((size_t)PTRDIFF_MAX + 1));
  CHECK_OUT_OF_MEMORY(malloc((size_t)PTRDIFF_MAX + 4096));
  for (size_t below = 0; below < 70000; below = below * 2 + 1) {
    CHECK_OUT_OF_MEMORY(malloc(SIZE_MAX - below));
  }
  CHECK(malloc(1) != NULL);
  return 0;
}
