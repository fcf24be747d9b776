// strata_falloc's blocks lie one behind the other, and free and realloc take them like any other.
#include <dlfcn.h>
#include <malloc.h>
#include "support/memory.h"

int main(void) {
  void* (*falloc)(size_t) = (void* (*)(size_t))dlsym(RTLD_DEFAULT, "strata_falloc");
  if (falloc == NULL) SKIP("only libstrata.so has it");
  char* blocks[100];
  int neighbours = 0;
  for (int i = 0; i < 100; ++i) {
    blocks[i] = falloc(24);
    CHECK(blocks[i] != NULL);
    memset(blocks[i], i, 24);
    neighbours += i != 0 && blocks[i] == blocks[i - 1] + 32;
  }
  CHECK(neighbours >= 98);  // 64 KiB end once at most
  for (int i = 0; i < 100; ++i) {
    CHECK(malloc_usable_size(blocks[i]) >= 24);
    blocks[i] = realloc(blocks[i], i % 2 == 0 ? 24 : 3000);
    CHECK(blocks[i] != NULL);
    for (int at = 0; at < 24; ++at) CHECK(blocks[i][at] == i);
    free(blocks[i]);
  }
  return 0;
}
