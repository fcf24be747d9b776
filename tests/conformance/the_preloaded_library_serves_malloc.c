// The other tests would pass under the system's malloc too: this one fails if the library whose
// path stands in LD_PRELOAD is not the one that serves.
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  const char* expected = getenv("LD_PRELOAD");
  if (expected == NULL || *expected == 0) SKIP("nothing is preloaded");
  Dl_info info;
  CHECK(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) != 0);
  char one[PATH_MAX], other[PATH_MAX];
  CHECK(realpath(expected, one) != NULL && realpath(info.dli_fname, other) != NULL);
  if (strcmp(one, other) != 0) check_stop(check_exit_failed, "malloc comes from %s", other);
  return 0;
}
