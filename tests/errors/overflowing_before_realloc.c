// The overflow is found when the block is resized.
//= hardened diagnose | small | own other | overflow of … (48-byte block, bytes behind its end have changed; found by realloc)
//= hardened diagnose | medium | own other | overflow of … (20000-byte block, bytes behind its end have changed; found by realloc)
//= hardened diagnose | large | own other | overflow of … (1000000-byte block, bytes behind its end have changed; found by realloc)
#include "misuse.h"

static size_t its_size;
static void resize(void* block) { ((char*)realloc(block, its_size * 3))[0] = 2; }

static void misuse(size_t size) {
  char* const block = take(size);
  its_size = size;
  block[size] = 'x';
  by_whom(resize, block);
}
