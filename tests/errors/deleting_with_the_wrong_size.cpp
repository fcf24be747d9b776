// An object is deleted through a pointer to a smaller type.
//= default | small | own | survived
//= hardened diagnose | small | own | wrong size for … (64-byte block, freed as 8 bytes)
#include "misuse.h"

struct Small {
  char bytes[8];
};
struct Large {
  char bytes[64];
};

static void misuse(size_t) { delete static_cast<Small*>(hide(new Large)); }
