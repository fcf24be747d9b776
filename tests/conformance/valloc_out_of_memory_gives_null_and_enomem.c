// Sizes that cannot be had.
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  CHECK_OUT_OF_MEMORY(valloc(SIZE_MAX));
  CHECK_OUT_OF_MEMORY(valloc(SIZE_MAX - 4096));
  CHECK_OUT_OF_MEMORY(valloc((size_t)PTRDIFF_MAX + 1));
  CHECK_OUT_OF_MEMORY(valloc(PTRDIFF_MAX));
  return 0;
}
