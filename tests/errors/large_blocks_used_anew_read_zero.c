// What a large block held cannot be read by the next one in its place, longer or shorter, nor by
// one that was never written all over.
//= hardened diagnose | large | own | survived
#include "misuse.h"

static void misuse(size_t size) {
  for (size_t i = 0; i < 200; ++i) {
    const size_t length = size - i * 7919 % (size / 2);
    char* const block = (char*)hide(malloc(length));
    for (size_t j = 0; j < length; ++j) {
      if (block[j] != 0) abort();
    }
    memset(block, 7, i % 3 == 0 ? length / 4 : length);
    free(hide(block));
  }
}
