// A loop runs on behind the block's end, over the whole slab if it is small: it meets a guard page.
//= hardened diagnose | small medium large | own | SIGSEGV
//= default hardened diagnose | huge | own | SIGSEGV
#include "misuse.h"

static void misuse(size_t size) {
  volatile char* const block = take(size);
  for (size_t i = size - 1; i < size + 300000; ++i) block[i] = 1;
}
