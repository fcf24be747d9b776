// A block is freed again after many other blocks of its size have come and gone. In default mode a
// block may have been handed out again by then: here so many others are free that it was not.
//= default hardened diagnose | small medium large | own other | double free of … (…-byte block, freed before…)
#include "misuse.h"

static void misuse(size_t size) {
  enum { count = 40 };
  char* blocks[count];
  for (int i = 0; i < count; ++i) blocks[i] = take(size);
  for (int i = 0; i < count; i += 2) free(hide(blocks[i]));
  for (int i = 0; i < 3; ++i) free(take(size / 2));
  free_by_whom(blocks[20]);
}
