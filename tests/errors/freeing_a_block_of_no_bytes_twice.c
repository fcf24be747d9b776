// A block of no bytes is freed twice, with others before and behind it that live.
//= default | small | own other | double free of … (0-byte block, freed before)
//= hardened diagnose | small | own other | double free of … (0-byte block, freed before)
#include "misuse.h"

static void misuse(size_t size) {
  (void)size;
  malloc(0);
  void* const block = malloc(0);
  malloc(0);
  free_by_whom(block);
  free_by_whom(block);
}
