// A block of malloc goes to operator delete.
//= default | small medium large huge | own | survived
//= hardened diagnose | small medium large huge | own | mismatched free of … (…-byte block of malloc, given to operator delete)
#include "misuse.h"

static void misuse(size_t size) { ::operator delete(take(size)); }
