// Products that fit in size_t but not in ptrdiff_t are refused too.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  CHECK_OUT_OF_MEMORY(calloc(1, SIZE_MAX));
  CHECK_OUT_OF_MEMORY(calloc(SIZE_MAX, 1));
  CHECK_OUT_OF_MEMORY(calloc(2, (size_t)1 << 62));
  CHECK_OUT_OF_MEMORY(calloc((size_t)PTRDIFF_MAX, 1));
  return 0;
}
