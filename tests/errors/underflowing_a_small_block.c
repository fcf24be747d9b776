// The byte before a small block is written. A sampled block has a guard page or zeros there.
//= sampled | small | own other | underflow of … (…48-byte block…)
#include "misuse.h"

static void misuse(size_t size) {
  volatile char* const block = take(size);
  block[-1] = 1;
  free_by_whom((void*)block);
}
