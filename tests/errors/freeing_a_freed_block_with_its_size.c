// free_sized of a block that was freed.
//= default hardened diagnose | small medium large huge | own | double free of … (…-byte block, freed before…)
#include "misuse.h"

__attribute__((weak)) void free_sized(void* block, size_t size);

static void misuse(size_t size) {
  char* const block = take(size);
  char* const keep = take(size);
  free_sized(hide(block), size);
  free_sized(hide(block), size);
  free(keep);
}
