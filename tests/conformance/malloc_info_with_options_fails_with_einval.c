// The first argument must be 0; anything else fails and writes nothing. The manual page gives -1
// with errno, the GNU library returns EINVAL itself: a caller must meet one of the two.
#include <errno.h>
#include <malloc.h>
#include "support/check.h"

int main(void) {
  static char text[4096];
  FILE* stream = fmemopen(text, sizeof text, "w");
  errno = 0;
  const int result = malloc_info(1, stream);
  CHECK(result == EINVAL || (result == -1 && errno == EINVAL));
  fclose(stream);
  CHECK_EQUAL(0, strlen(text));
  return 0;
}
