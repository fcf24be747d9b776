// No function of the family is left to another library: a block of one heap in another is the end.
#include <dlfcn.h>
#include "support/check.h"

int main(void) {
  static const char* const names[] = {"malloc",
                                      "free",
                                      "calloc",
                                      "realloc",
                                      "reallocarray",
                                      "posix_memalign",
                                      "aligned_alloc",
                                      "memalign",
                                      "valloc",
                                      "pvalloc",
                                      "malloc_usable_size",
                                      "mallopt",
                                      "mallinfo",
                                      "mallinfo2",
                                      "malloc_info",
                                      "malloc_stats",
                                      "malloc_trim"};
  void* const first = dlsym(RTLD_DEFAULT, names[0]);
  Dl_info of_malloc, info;
  CHECK(first != NULL && dladdr(first, &of_malloc) != 0);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    void* const function = dlsym(RTLD_DEFAULT, names[i]);
    if (function == NULL || dladdr(function, &info) == 0 || info.dli_fbase != of_malloc.dli_fbase) {
      check_stop(check_exit_failed, "%s does not come from %s", names[i], of_malloc.dli_fname);
    }
  }
  return 0;
}
