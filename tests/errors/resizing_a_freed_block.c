// realloc of a block that was freed.
//= default hardened diagnose | small medium large | own other | invalid pointer … (…-byte block, freed before…)
//= default hardened diagnose | huge | own other | invalid pointer … (1610612736-byte block, freed before…)
#include "misuse.h"

static size_t its_size;
static void resize(void* block) { free(realloc(block, its_size * 2)); }

static void misuse(size_t size) {
  its_size = size;
  char* const block = take(size);
  char* const keep = take(size);
  free(hide(block));
  by_whom(resize, block);
  free(keep);
}
