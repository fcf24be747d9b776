// Two blocks are freed in turn, the first of them once more: the pattern that fools a check of the
// last one freed.
//= default hardened diagnose | small medium large huge | own other | double free of … (…-byte block, freed before…)
#include "misuse.h"

static void misuse(size_t size) {
  char* const first = take(size);
  char* const second = take(size);
  char* const keep = take(size);
  free(hide(first));
  free(hide(second));
  free_by_whom(first);
  free(keep);
}
