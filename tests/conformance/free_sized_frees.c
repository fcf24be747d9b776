// free_sized(p, n) of C23 is free(p) for a block of malloc, calloc or realloc of n bytes.
#include <dlfcn.h>
#include <errno.h>
#include <sys/resource.h>
#include "support/memory.h"

int main(void) {
  void (*free_sized)(void*, size_t) = (void (*)(void*, size_t))dlsym(RTLD_DEFAULT, "free_sized");
  CHECK(free_sized != NULL);
  const struct rlimit limit = {(size_t)512 << 20, (size_t)512 << 20};
  CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
  free_sized(NULL, 0);
  free_sized(NULL, 10);
  for (int round = 0; round < 300; ++round) {
    FOR_EACH_EDGE_SIZE(size) {
      void* block = round % 2 == 0 ? malloc(size) : calloc(size, 1);
      CHECK(block != NULL);
      memset(block, 1, size < 4096 ? size : 4096);
      errno = 77;
      free_sized(block, size);
      CHECK_EQUAL(77, errno);
    }
  }
  return 0;
}
