// new[] and delete.
//= default | small medium large huge | own other | survived
//= hardened diagnose | small medium large huge | own other | mismatched free of … (…-byte block of operator new[], given to operator delete)
#include "misuse.h"

static void remove(void* block) { delete static_cast<char*>(block); }
static void misuse(size_t size) { by_whom(remove, new char[size]); }
