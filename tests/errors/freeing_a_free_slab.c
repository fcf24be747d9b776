// A block is freed again when everything around it has gone back to the system.
//= default | small | own other | invalid free of … (memory that is free)
//= hardened diagnose | small | own other | … of … (…)
//= default hardened diagnose | medium | own other | … of … (…)
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  free(hide(block));
  malloc_trim(0);
  free_by_whom(block);
}
