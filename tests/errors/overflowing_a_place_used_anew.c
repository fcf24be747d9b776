// A large block lies where a longer one was before: behind its last page is a guard all the same.
//= hardened diagnose | large | own | SIGSEGV
#include <unistd.h>

#include "misuse.h"

static void misuse(size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < 40; ++i) free(hide(take(size)));
  const size_t pages = (size - size / 4) / page;
  volatile char* const block = take(pages * page);
  block[pages * page - 1] = 1;
  if (block[pages * page] == 5) puts("");
}
