// The parameters of mallopt(3) are known: 1 is returned, and allocation goes on as before.
#include <malloc.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  CHECK_EQUAL(1, mallopt(M_MXFAST, 64));
  CHECK_EQUAL(1, mallopt(M_TRIM_THRESHOLD, 128 * 1024));
  CHECK_EQUAL(1, mallopt(M_TOP_PAD, 64 * 1024));
  CHECK_EQUAL(1, mallopt(M_MMAP_THRESHOLD, 256 * 1024));
  CHECK_EQUAL(1, mallopt(M_MMAP_MAX, 1000));
  CHECK_EQUAL(1, mallopt(M_CHECK_ACTION, 0));
  CHECK_EQUAL(1, mallopt(M_ARENA_TEST, 8));
  CHECK_EQUAL(1, mallopt(M_ARENA_MAX, 2));
  CHECK_EQUAL(1, mallopt(M_PERTURB, 0));
  void* block = malloc(1000);
  CHECK(block != NULL);
  free(block);
  return 0;
}
