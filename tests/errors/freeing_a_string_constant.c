// A literal is freed.
//= default hardened diagnose | small | own other | invalid free of … (a global variable of freeing_a_string_constant)
#include "misuse.h"

static void misuse(size_t size) {
  take(size);
  free_by_whom("constant");
}
