// malloc_usable_size of a block that was freed.
//= default hardened diagnose | small medium large huge | own other | invalid pointer … (…-byte block, freed before…)
#include "misuse.h"

static void ask(void* block) {
  if (malloc_usable_size(block) == 1) puts("");
}
static void misuse(size_t size) {
  char* const block = take(size);
  char* const keep = take(size);
  free(hide(block));
  by_whom(ask, block);
  free(keep);
}
