// A global variable is freed, one that is set and one that is zero.
//= default hardened diagnose | small medium | own other | invalid free of … (a global variable of freeing_a_global_variable)
#include "misuse.h"

static char set[64] = "set";
static char zero[64];

static void misuse(size_t size) {
  take(size);
  free_by_whom(size == 48 ? set : zero);
}
