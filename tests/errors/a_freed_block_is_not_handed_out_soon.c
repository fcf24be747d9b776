// A freed block is not the next one handed out, nor one of the next few.
//= hardened diagnose | small large | own | survived
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  free(hide(block));
  for (int i = 0; i < 20; ++i) {
    char* const next = take(size);
    if (next == block) abort();
    free(next);
  }
}
