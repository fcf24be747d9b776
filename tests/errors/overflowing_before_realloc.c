// The overflow is found when the block is resized.
//= hardened diagnose | small | own | overflow of … (48-byte block, bytes behind its end have changed; found by realloc)
//= hardened diagnose | medium | own | overflow of … (20000-byte block, bytes behind its end have changed; found by realloc)
//= hardened diagnose | large | own | overflow of … (1000000-byte block, bytes behind its end have changed; found by realloc)
#include "misuse.h"

static void misuse(size_t size) {
  char* block = take(size);
  block[size] = 'x';
  block = (char*)realloc(block, size * 3);
  block[0] = 2;
}
