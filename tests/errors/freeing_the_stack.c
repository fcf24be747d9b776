// A local variable is freed.
//= default hardened diagnose | small | own other | invalid free of … (a stack address)
#include "misuse.h"

static void misuse(size_t size) {
  char local[64];
  local[0] = (char)size;
  take(size);
  free_by_whom(local);
}
