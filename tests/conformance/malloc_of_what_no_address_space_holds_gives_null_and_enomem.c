// Sizes that are legal but larger than the address space fail as any other want of memory does.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  CHECK_OUT_OF_MEMORY(malloc((size_t)PTRDIFF_MAX));
  CHECK_OUT_OF_MEMORY(malloc((size_t)PTRDIFF_MAX - 65536));
  CHECK_OUT_OF_MEMORY(malloc((size_t)1 << 62));
  CHECK_OUT_OF_MEMORY(malloc((size_t)1 << 58));
  CHECK(malloc(1) != NULL);
  return 0;
}
