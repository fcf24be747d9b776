// Not a power of two, or not a multiple of a pointer's size: EINVAL is returned, nothing is
// written.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  static const size_t bad[] = {
      0, 1, 2, 3, 4, 7, 12, 24, 100, 4097, 65536 + 8, SIZE_MAX, SIZE_MAX - 15};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
    void* pointer = &pointer;
    errno = 77;
    CHECK_EQUAL_AT(bad[i], EINVAL, posix_memalign(&pointer, bad[i], 64));
    CHECK(pointer == &pointer);
    CHECK_EQUAL(77, errno);
  }
  return 0;
}
