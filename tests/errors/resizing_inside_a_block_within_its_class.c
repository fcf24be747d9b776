// realloc of a pointer into a block, to a size that would let the block stay where it is.
//= default hardened diagnose | small medium large huge | own other | invalid pointer … (not a block: 32 bytes inside a …-byte block at …)
#include "misuse.h"

static void* wanted;
static void resize(void* pointer) { wanted = realloc(pointer, malloc_usable_size(wanted)); }

static void misuse(size_t size) {
  char* const block = take(size);
  wanted = block;
  if (by_other) {
    in_thread(resize, block + 32);
  } else {
    resize(hide(block + 32));
  }
}
