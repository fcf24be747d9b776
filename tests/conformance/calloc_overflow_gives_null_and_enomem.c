// A product that does not fit in size_t is refused, not computed modulo 2^64.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  CHECK_OUT_OF_MEMORY(calloc(SIZE_MAX, 2));
  CHECK_OUT_OF_MEMORY(calloc(2, SIZE_MAX));
  CHECK_OUT_OF_MEMORY(calloc(SIZE_MAX, SIZE_MAX));
  CHECK_OUT_OF_MEMORY(calloc((size_t)1 << 32, (size_t)1 << 32));
  CHECK_OUT_OF_MEMORY(calloc(SIZE_MAX / 16 + 1, 16));
  CHECK_OUT_OF_MEMORY(calloc(SIZE_MAX / 24 + 1, 24));
  return 0;
}
