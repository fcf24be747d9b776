// Sizes that cannot be had, among them those whose rounding up would wrap around to zero.
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  CHECK_OUT_OF_MEMORY(pvalloc(SIZE_MAX));
  CHECK_OUT_OF_MEMORY(pvalloc(SIZE_MAX - 1));
  CHECK_OUT_OF_MEMORY(pvalloc(SIZE_MAX - 4096));
  CHECK_OUT_OF_MEMORY(pvalloc((size_t)PTRDIFF_MAX + 1));
  CHECK_OUT_OF_MEMORY(pvalloc(PTRDIFF_MAX));
  return 0;
}
