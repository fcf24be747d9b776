// malloc_stats prints something on standard error, nothing on standard output.
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include "support/check.h"

int main(void) {
  const int saved_error = dup(2);
  const int output = memfd_create("output", 0), error = memfd_create("error", 0);
  CHECK(output >= 0 && error >= 0);
  dup2(output, 1);
  dup2(error, 2);
  malloc_stats();
  fflush(NULL);
  dup2(saved_error, 2);
  CHECK_EQUAL(0, lseek(output, 0, SEEK_END));
  CHECK(lseek(error, 0, SEEK_END) > 20);
  return 0;
}
