// A block of malloc goes to operator delete.
//= default | small medium large huge | own other | survived
//= hardened diagnose | small medium large huge | own other | mismatched free of … (…-byte block of malloc, given to operator delete)
#include "misuse.h"

static void remove(void* block) { ::operator delete(block); }
static void misuse(size_t size) { by_whom(remove, take(size)); }
