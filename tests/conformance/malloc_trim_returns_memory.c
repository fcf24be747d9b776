// After malloc_trim(0) what was freed is no longer resident; the result is 1 or 0.
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  enum { count = 64000, size = 1000 };
  static void* blocks[count];
  const long before = resident_kib();
  for (int i = 0; i < count; ++i) {
    blocks[i] = malloc(size);
    memset(blocks[i], 1, size);
  }
  CHECK(resident_kib() > before + count * 9 / 10);
  for (int i = 0; i < count; ++i) free(blocks[i]);
  const int result = malloc_trim(0);
  CHECK(result == 0 || result == 1);
  CHECK_AT_MOST(before + 6 * 1024, resident_kib());
  return 0;
}
