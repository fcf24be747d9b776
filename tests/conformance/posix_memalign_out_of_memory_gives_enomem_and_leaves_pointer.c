// Want of memory is told by the returned ENOMEM; the pointer is not written.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 64, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX,
                                 (size_t)1 << 60};
  for (size_t alignment = 8; alignment <= (size_t)1 << 40; alignment *= 16) {
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
      void* pointer = &pointer;
      CHECK_EQUAL_AT(sizes[i], ENOMEM, posix_memalign(&pointer, alignment, sizes[i]));
      CHECK(pointer == &pointer);
    }
  }
  return 0;
}
