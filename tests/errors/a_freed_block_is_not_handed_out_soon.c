// A freed block is not the next one handed out, nor one of the next few; of large ones, which rest
// until so many bytes were freed, not the one after it.
//= hardened diagnose | small large | own | survived
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  free(hide(block));
  const int few = size < 131072 ? 20 : 2;
  for (int i = 0; i < few; ++i) {
    char* const next = take(size);
    if (next == block) abort();
    free(next);
  }
}
