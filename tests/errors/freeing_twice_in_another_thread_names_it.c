// One thread frees a block of another twice: it is known who did it, also in default mode, because
// the block still waits to go home.
//= default hardened diagnose | small | own | double free of … (…-byte block, freed before by thread …)
#include "misuse.h"

static void free_twice(void* block) {
  free(hide(block));
  free(hide(block));
}
static void misuse(size_t size) {
  // So many that the slab is used up, and the other thread does not take it over.
  for (int i = 0; i < 100; ++i) take(size);
  in_thread(free_twice, take(size));
}
