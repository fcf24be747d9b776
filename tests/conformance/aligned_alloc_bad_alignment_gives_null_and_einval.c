// What is not a power of two is no alignment: NULL and EINVAL.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  static const size_t bad[] = {0, 3, 7, 12, 24, 48, 100, 4097, 65536 + 8, SIZE_MAX};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
    errno = 0;
    void* block = aligned_alloc(bad[i], 4096);
    const int code = errno;
    CHECK_EQUAL_AT(bad[i], 0, (uintptr_t)block);
    CHECK_EQUAL_AT(bad[i], EINVAL, code);
  }
  return 0;
}
