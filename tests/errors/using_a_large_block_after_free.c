// A large block is read after it was freed.
//= hardened diagnose | large huge | own | SIGSEGV
#include "misuse.h"

static void misuse(size_t size) {
  volatile char* const block = take(size);
  block[size / 2] = 1;
  free(hide((void*)block));
  if (block[size / 2] == 5) puts("");
}
