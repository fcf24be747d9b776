// A block of operator new goes to free.
//= default | small medium large huge | own other | survived
//= hardened diagnose | small medium large huge | own other | mismatched free of … (…-byte block of operator new, given to free)
#include "misuse.h"

static void misuse(size_t size) { free_by_whom(::operator new(size)); }
