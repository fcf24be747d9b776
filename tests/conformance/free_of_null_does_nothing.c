// free(NULL) performs no operation.
#include <errno.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  errno = 77;
  for (int i = 0; i < 1000; ++i) free(NULL);
  CHECK_EQUAL(77, errno);
  return 0;
}
