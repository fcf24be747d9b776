// Another thread has freed the block; now its owner does too.
//= default | small medium | own | double free of … (…-byte block, freed before by thread …)
//= default | large huge | own | double free of … (…-byte block, freed before)
//= hardened diagnose | small medium large huge | own | double free of … (…-byte block, freed before by thread …)
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  char* const keep = take(size);
  in_thread(free, hide(block));
  free(hide(block));
  free(keep);
}
