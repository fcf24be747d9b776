// A block is written to after it was freed. When it comes to be used again, that is found.
//= hardened diagnose | small | own | write after free to … (byte 8 of the 64-byte block, freed before by thread …; found by malloc)
//= hardened diagnose | medium | own | write after free to … (byte 8 of the 20480-byte block, freed before by thread …; found by malloc)
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  free(hide(block));
  block[8] = 1;
  for (int i = 0; i < 3000; ++i) free(take(size));
}
