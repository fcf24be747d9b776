// A block of no bytes is written to. Its address is one that cannot be touched.
//= default hardened diagnose | small | own other | SIGSEGV
#include "misuse.h"

static void write_byte(void* block) { *(volatile char*)block = 1; }

static void misuse(size_t size) {
  (void)size;
  char* const block = (char*)hide(malloc(0));
  if (by_other) {
    in_thread(write_byte, block);
  } else {
    write_byte(block);
  }
}
