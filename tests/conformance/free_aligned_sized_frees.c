// free_aligned_sized(p, alignment, n) of C23 frees what aligned_alloc(alignment, n) gave.
#include <dlfcn.h>
#include <errno.h>
#include <sys/resource.h>
#include "support/memory.h"

int main(void) {
  void (*free_aligned_sized)(void*, size_t, size_t) =
      (void (*)(void*, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
  CHECK(free_aligned_sized != NULL);
  const struct rlimit limit = {(size_t)512 << 20, (size_t)512 << 20};
  CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
  free_aligned_sized(NULL, 16, 0);
  for (int round = 0; round < 100; ++round) {
    for (size_t alignment = 16; alignment <= 1048576; alignment *= 2) {
      for (size_t size = 0; size < 1000000; size = size * 7 + 16) {
        void* block = aligned_alloc(alignment, size);
        CHECK(block != NULL);
        memset(block, 1, size < 4096 ? size : 4096);
        errno = 77;
        free_aligned_sized(block, alignment, size);
        CHECK_EQUAL(77, errno);
      }
    }
  }
  return 0;
}
