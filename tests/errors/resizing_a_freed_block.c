// realloc of a block that was freed.
//= default hardened diagnose | small medium large | own | invalid pointer … (…-byte block, freed before…)
//= default hardened diagnose | huge | own | invalid pointer … (1610612736-byte block, freed before…)
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  char* const keep = take(size);
  free(hide(block));
  free(realloc(hide(block), size * 2));
  free(keep);
}
