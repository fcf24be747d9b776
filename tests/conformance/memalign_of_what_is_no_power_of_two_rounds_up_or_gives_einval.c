// The manual page gives EINVAL, the GNU library rounds up: a caller must meet one of the two.
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  static const size_t odd[] = {3, 7, 12, 24, 48, 100, 4097, 65536 + 8};
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
    size_t above = 1;
    while (above < odd[i]) above *= 2;
    errno = 0;
    void* block = memalign(odd[i], 100);
    if (block == NULL) {
      CHECK_EQUAL_AT(odd[i], EINVAL, errno);
    } else {
      CHECK_ALIGNED(above, block);
    }
    free(block);
  }
  // Nothing to round up to.
  errno = 0;
  CHECK(memalign(SIZE_MAX / 2 + 2, 1) == NULL);
  CHECK_EQUAL(EINVAL, errno);
  return 0;
}
