// malloc_usable_size of a block that was freed.
//= default hardened diagnose | small medium large huge | own | invalid pointer … (…-byte block, freed before…)
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  char* const keep = take(size);
  free(hide(block));
  if (malloc_usable_size(hide(block)) == 1) puts("");
  free(keep);
}
