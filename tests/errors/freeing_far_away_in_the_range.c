// An address of the heap's range that was never used.
//= default hardened diagnose | small | own other | invalid free of … (…)
#include "misuse.h"

static void misuse(size_t size) { free_by_whom(take(size) + ((size_t)1 << 30)); }
