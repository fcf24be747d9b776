// realloc of a pointer into the middle of a block.
//= default hardened diagnose | small medium large huge | own | invalid pointer … (not a block: 32 bytes inside a …-byte block at …)
#include "misuse.h"

static void misuse(size_t size) { free(realloc(hide(take(size) + 32), size * 2)); }
