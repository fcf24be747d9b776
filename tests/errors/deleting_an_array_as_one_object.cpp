// new[] and delete.
//= default | small | own | survived
//= hardened diagnose | small | own | mismatched free of … (40-byte block of operator new[], given to operator delete)
#include "misuse.h"

static void misuse(size_t) { delete static_cast<char*>(hide(new char[40])); }
