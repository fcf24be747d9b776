// The old structure tells the same numbers in ints, as long as they fit.
#include <malloc.h>
#include "support/memory.h"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

int main(void) {
  void* block = malloc(100000);
  const struct mallinfo2 wide = mallinfo2();
  const struct mallinfo narrow = mallinfo();
  CHECK_EQUAL(wide.arena, narrow.arena);
  CHECK_EQUAL(wide.uordblks, narrow.uordblks);
  CHECK_EQUAL(wide.fordblks, narrow.fordblks);
  CHECK_EQUAL(wide.hblks, narrow.hblks);
  CHECK_EQUAL(wide.hblkhd, narrow.hblkhd);
  CHECK(narrow.uordblks >= 100000 || narrow.hblkhd >= 100000);
  free(block);
  return 0;
}
