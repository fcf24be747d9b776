// realloc of a local and of a global variable.
//= default hardened diagnose | small | own | invalid pointer … (a stack address)
//= default hardened diagnose | medium | own | invalid pointer … (a global variable of resizing_what_is_not_ours)
#include "misuse.h"

static char global[64];

static void misuse(size_t size) {
  char local[64];
  take(size);
  free(realloc(hide(size == 48 ? local : global), 100));
}
