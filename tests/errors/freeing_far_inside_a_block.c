// A pointer to the second half of a block, at a boundary that is good for large blocks too.
//= default hardened diagnose | large huge | own other | invalid free of … (not a block: 524288 bytes inside a …-byte block at …)
#include "misuse.h"

static void misuse(size_t size) { free_by_whom(take(size) + 524288); }
