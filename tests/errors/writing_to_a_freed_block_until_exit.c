// A block is written to after it was freed, and nothing is allocated any more: what is ready to be
// handed out is looked over when the program ends. Where the block's own line was left alone,
// default mode does not see it.
//= default | small | own | write after free to … (48-byte block, freed before…; found by exit)
//= default | medium | own | write after free to … (20480-byte block, freed before…; found by exit)
//= hardened diagnose | small | own | write after free to … (byte 0 of the 64-byte block, freed before by thread …; found by exit)
//= hardened diagnose | medium | own | write after free to … (byte 0 of the 20480-byte block, freed before by thread …; found by exit)
#include "misuse.h"

static void misuse(size_t size) {
  take(size);  // lives on, so that what is freed beside it is kept for the next
  char* const block = take(size);
  free(hide(block));
  memset(block, 'x', 16);
  fputs("", stderr);
  exit(0);
}
