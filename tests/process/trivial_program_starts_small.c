// A program that allocates next to nothing has at most 2.7 MB resident.
#include "support/memory.h"

int main(void) {
  void* block = malloc(100);
  CHECK(block != NULL);
  CHECK_AT_MOST(2700, resident_kib());
  free(block);
  return 0;
}
