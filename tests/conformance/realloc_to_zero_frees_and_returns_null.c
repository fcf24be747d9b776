// realloc(p, 0) frees p and gives NULL, errno untouched (the choice of the GNU library).
#include <errno.h>
#include <sys/resource.h>
#include "support/memory.h"

int main(void) {
  const struct rlimit limit = {(size_t)512 << 20, (size_t)512 << 20};
  CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
  // 8 GiB of blocks pass through, so a block that was not freed would be missed.
  for (int i = 0; i < 8000; ++i) {
    char* small = malloc(100);
    char* large = malloc((size_t)1 << 20);
    CHECK(small != NULL && large != NULL);
    large[0] = large[500000] = 1;
    errno = 77;
    CHECK(realloc(small, 0) == NULL);
    CHECK(realloc(large, 0) == NULL);
    CHECK_EQUAL(77, errno);
  }
  return 0;
}
