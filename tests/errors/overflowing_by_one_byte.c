// One byte behind the block's end is written: a string's closing zero. Default mode does not see
// it. A huge block of whole pages ends at a guard page.
//= default | small medium large | own other | survived
//= hardened diagnose | small | own other | overflow of … (48-byte block, bytes behind its end have changed; found by free)
//= hardened diagnose | medium | own other | overflow of … (20000-byte block, bytes behind its end have changed; found by free)
//= hardened diagnose | large | own other | overflow of … (1000000-byte block, bytes behind its end have changed; found by free)
//= default hardened diagnose | huge | own | SIGSEGV
//= sampled | small | own other | overflow of … (…48-byte block…)
#include "misuse.h"

static void misuse(size_t size) {
  char* const block = take(size);
  block[size] = 0;
  free_by_whom(block);
}
