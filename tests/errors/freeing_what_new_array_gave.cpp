// new[] and free.
//= default | small medium large huge | own other | survived
//= hardened diagnose | small medium large huge | own other | mismatched free of … (…-byte block of operator new[], given to free)
#include "misuse.h"

static void misuse(size_t size) { free_by_whom(new char[size]); }
