// A pointer into the middle of a block is freed.
//= default hardened diagnose | small | own other | invalid free of … (not a block: 16 bytes inside a 48-byte block at …)
//= default | medium | own other | invalid free of … (not a block: 16 bytes inside a 20480-byte block at …)
//= hardened diagnose | medium | own other | invalid free of … (not a block: 16 bytes inside a 20000-byte block at …)
//= default | large | own other | invalid free of … (not a block: 16 bytes inside a …-byte block at …)
//= hardened diagnose | large | own other | invalid free of … (not a block: 16 bytes inside a 1000000-byte block at …)
//= default hardened diagnose | huge | own other | invalid free of … (not a block: 16 bytes inside a 1610612736-byte block at …)
//= sampled | small | own | invalid free of … (not a block: … bytes inside a 48-byte block at …)
#include "misuse.h"

static void misuse(size_t size) { free_by_whom(take(size) + 16); }
