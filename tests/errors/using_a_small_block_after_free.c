// A small block is written to after it was freed. A sampled one faults there and then.
//= default hardened | small | own | survived
//= sampled | small | own other | write after free to … (byte 8 of the 48-byte block, freed before by thread …)
#include "misuse.h"

static void misuse(size_t size) {
  volatile char* const block = take(size);
  free_by_whom((void*)block);
  block[8] = 1;
}
