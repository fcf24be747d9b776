// An object is deleted through a pointer to a smaller type.
//= default | small medium large | own other | survived
//= hardened diagnose | small | own other | wrong size for … (48-byte block, freed as 8 bytes)
//= hardened diagnose | medium | own other | wrong size for … (20000-byte block, freed as 8 bytes)
//= hardened diagnose | large | own other | wrong size for … (1000000-byte block, freed as 8 bytes)
#include "misuse.h"

struct Small {
  char bytes[8];
};
template <size_t size>
struct Large {
  char bytes[size];
};

static void remove(void* block) { delete static_cast<Small*>(block); }
static void misuse(size_t size) {
  void* const block = size == 48      ? static_cast<void*>(new Large<48>)
                      : size == 20000 ? static_cast<void*>(new Large<20000>)
                                      : static_cast<void*>(new Large<1000000>);
  by_whom(remove, block);
}
