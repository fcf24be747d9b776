// A block is written past its end and never freed: it is looked at when the program ends.
//= hardened diagnose | small medium large | own | overflow of … (…-byte block, bytes behind its end have changed; found by exit)
#include "misuse.h"

static void misuse(size_t size) {
  take(size)[size] = 'x';
  exit(0);
}
