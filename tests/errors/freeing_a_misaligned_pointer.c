// A pointer that is not aligned, one byte into a block.
//= default hardened diagnose | small medium large huge | own other | invalid free of … (not a block: 1 bytes inside a …-byte block at …)
#include "misuse.h"

static void misuse(size_t size) { free_by_whom(take(size) + 1); }
