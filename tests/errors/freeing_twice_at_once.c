// A block is freed twice in a row.
//= default hardened diagnose | small medium | own other | double free of … (…-byte block, freed before…)
//= default hardened diagnose | large | own other | double free of … (…-byte block, freed before…)
//= default hardened diagnose | huge | own other | double free of … (1610612736-byte block, freed before…)
//= sampled | small | own other | double free of … (48-byte block, freed before by thread …)
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  char* const keep = take(size);
  free(hide(block));
  free_by_whom(block);
  free(keep);
}
