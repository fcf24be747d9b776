// A block that came from calloc(0, n) is read.
//= default hardened diagnose | small | own | SIGSEGV
#include "misuse.h"

static void misuse(size_t size) {
  const volatile char* const block = (const char*)hide(calloc(0, size));
  if (block[0] == 5) puts("");
}
