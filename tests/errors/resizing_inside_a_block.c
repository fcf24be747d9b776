// realloc of a pointer into the middle of a block.
//= default hardened diagnose | small medium large huge | own other | invalid pointer … (not a block: 32 bytes inside a …-byte block at …)
#include "misuse.h"

static size_t its_size;
static void resize(void* pointer) { free(realloc(pointer, its_size * 2)); }

static void misuse(size_t size) {
  its_size = size;
  by_whom(resize, take(size) + 32);
}
