// free_sized of a block that was freed.
//= default hardened diagnose | small medium large huge | own other | double free of … (…-byte block, freed before…)
#include "misuse.h"

__attribute__((weak)) void free_sized(void* block, size_t size);

static size_t its_size;
static void free_with_its_size(void* block) { free_sized(block, its_size); }

static void misuse(size_t size) {
  its_size = size;
  char* const block = take(size);
  char* const keep = take(size);
  free_sized(hide(block), size);
  by_whom(free_with_its_size, block);
  free(keep);
}
