// A pointer one page behind the only block of its class is freed: a block could begin there, but
// none was ever handed out.
//= default | medium | own other | double free of … (4096-byte block, freed before)
//= hardened diagnose | medium | own other | invalid free of … (…)
#include "misuse.h"

static void misuse(size_t size) {
  (void)size;
  char* const block = take(4096);
  free_by_whom(block + 4096);
}
