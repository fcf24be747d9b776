// The byte before a large block is written.
//= hardened diagnose | large huge | own | SIGSEGV
#include "misuse.h"

static void misuse(size_t size) {
  volatile char* const block = take(size);
  block[-1] = 1;
}
