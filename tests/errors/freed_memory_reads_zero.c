// What a freed block held cannot be read any more, and what comes next in its place is zero.
//= hardened diagnose | small medium | own | survived
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  memset(block, 7, size);
  free(hide(block));
  for (size_t i = 0; i < size; ++i) {
    if (((volatile char*)block)[i] != 0) abort();
  }
  for (int i = 0; i < 3000; ++i) {
    char* const next = (char*)hide(malloc(size));
    for (size_t j = 0; j < size; ++j) {
      if (next[j] != 0) abort();
    }
    memset(next, 7, size);
    free(next);
  }
}
